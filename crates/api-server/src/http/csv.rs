//! Tables as CSV (RFC 4180, UTF-8), page by page as the client takes them: never in memory as a whole.
//!
//! What breaks off breaks the connection: there is no trailer that could tell half a table from a whole one.

use std::borrow::Cow;
use std::future::Future;
use std::io;

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Bytes;
use csv::{Terminator, WriterBuilder};
use domain::ports::Unavailable;
use futures_util::stream::try_unfold;
use tokio_util::sync::CancellationToken;

use super::problem::{Kind, Problem};

/// How many rows are read at once.
pub const PAGE: u32 = 1000;

/// One cell.
pub enum Cell {
    /// Something that people, programs or providers wrote.
    Text(String),
    /// A number, a time, a word of ours: nothing that a spreadsheet could take for a formula.
    Plain(String),
    /// Nothing.
    Empty,
}

impl Cell {
    /// A whole number, or another thing of ours.
    pub fn plain(value: impl ToString) -> Self {
        Self::Plain(value.to_string())
    }

    /// Text, if there is some.
    pub fn text(value: impl Into<Option<String>>) -> Self {
        value.into().map_or(Self::Empty, Self::Text)
    }

    /// A thing of ours, if there is one.
    pub fn maybe(value: Option<impl ToString>) -> Self {
        value.map_or(Self::Empty, Self::plain)
    }

    fn written(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => harmless(text),
            Self::Plain(text) => Cow::Borrowed(text),
            Self::Empty => Cow::Borrowed(""),
        }
    }
}

/// Text that a spreadsheet would take for a formula gets an apostrophe in front.
fn harmless(text: &str) -> Cow<'_, str> {
    // The last four are full-width signs, which some take for the usual ones.
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// What a table is made of.
pub struct Table<R, C> {
    /// The file's name.
    pub name: &'static str,
    /// The columns.
    pub columns: &'static [&'static str],
    /// The cells of a row.
    pub cells: fn(&R) -> Vec<Cell>,
    /// Where a page ends whose last row is this.
    pub end: fn(&R) -> C,
    /// When the server cannot wait for it any longer.
    pub cut: CancellationToken,
    /// Names it in the log.
    pub request_id: String,
}

/// A table as an answer. The first page is read before it begins: an outage then is an ordinary error.
pub async fn answer<R, C, F>(
    table: Table<R, C>,
    mut read: impl FnMut(Option<C>) -> F + 'static,
) -> Result<HttpResponse, Problem>
where
    R: 'static,
    C: 'static,
    F: Future<Output = Result<Vec<R>, Unavailable>> + 'static,
{
    let first = read(None).await?;
    let begun = written(Some(table.columns), &first, table.cells)
        .map_err(|error| Problem::because(Kind::Internal, format!("{}: {error}", table.name)))?;
    let disposition = format!("attachment; filename=\"{}\"", table.name);
    let state = State { next: next(&first, table.end), waiting: Some(begun), table, read };
    let pieces = try_unfold(state, |mut state| async move {
        let piece = state.piece().await.inspect_err(|error| {
            tracing::warn!(request_id = %state.table.request_id, name = state.table.name, %error, "an export broke off");
        })?;
        Ok::<_, io::Error>(piece.map(|piece| (piece, state)))
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8; header=present"))
        .insert_header((CONTENT_DISPOSITION, disposition))
        .streaming(pieces))
}

/// Where the next page begins; `None` when this was the last.
fn next<R, C>(rows: &[R], end: fn(&R) -> C) -> Option<C> {
    let full = rows.len() >= PAGE as usize;
    rows.last().filter(|_| full).map(end)
}

struct State<R, C, Read> {
    table: Table<R, C>,
    read: Read,
    waiting: Option<Bytes>,
    next: Option<C>,
}

impl<R, C, F, Read> State<R, C, Read>
where
    F: Future<Output = Result<Vec<R>, Unavailable>>,
    Read: FnMut(Option<C>) -> F,
{
    async fn piece(&mut self) -> io::Result<Option<Bytes>> {
        if let Some(waiting) = self.waiting.take() {
            return Ok(Some(waiting));
        }
        let Some(from) = self.next.take() else { return Ok(None) };
        if self.table.cut.is_cancelled() {
            return Err(io::Error::other("the server is shutting down"));
        }
        let rows = (self.read)(Some(from)).await.map_err(io::Error::other)?;
        self.next = next(&rows, self.table.end);
        if rows.is_empty() {
            return Ok(None);
        }
        written(None, &rows, self.table.cells).map(Some)
    }
}

fn written<R>(columns: Option<&[&str]>, rows: &[R], cells: fn(&R) -> Vec<Cell>) -> io::Result<Bytes> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    if let Some(columns) = columns {
        writer.write_record(columns)?;
    }
    for row in rows {
        let cells = cells(row);
        writer.write_record(cells.iter().map(|cell| cell.written().into_owned()))?;
    }
    writer.into_inner().map(Bytes::from).map_err(|error| io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be_and_no_formula_survives() {
        let text = |text: &str| Cell::text(text.to_owned());
        let rows = vec![
            vec![text("a,b"), text("say \"hi\""), text("two\nlines"), Cell::Empty],
            vec![text("=1+1"), text("+55 11"), text("-2"), text("@sum")],
            vec![text("\tx"), text("\rx"), Cell::plain(-10), text("plain = not first")],
            vec![text("＝1+1"), text("＋1"), text("－1"), text("＠x")],
        ];
        let cells = |row: &Vec<Cell>| {
            let copy = |cell: &Cell| match cell {
                Cell::Text(text) => Cell::Text(text.clone()),
                Cell::Plain(text) => Cell::Plain(text.clone()),
                Cell::Empty => Cell::Empty,
            };
            row.iter().map(copy).collect()
        };
        let bytes = written(Some(&["a", "b", "c", "d"]), &rows, cells).unwrap();
        assert_eq!(
            std::str::from_utf8(&bytes).unwrap(),
            "a,b,c,d\r\n\
             \"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\r\n\
             '=1+1,'+55 11,'-2,'@sum\r\n\
             '\tx,\"'\rx\",-10,plain = not first\r\n\
             '＝1+1,'＋1,'－1,'＠x\r\n"
        );
    }

    /// Full pages of numbers up to `pages`; then, if it is to fail, no answer.
    async fn numbers(pages: u32, fails: bool, cut: CancellationToken) -> Result<HttpResponse, Problem> {
        let table = Table {
            name: "numbers.csv",
            columns: &["number"],
            cells: |number: &u32| vec![Cell::plain(number)],
            end: |number: &u32| *number,
            cut,
            request_id: "r".to_owned(),
        };
        let read = move |after: Option<u32>| async move {
            let from = after.map_or(0, |last| last + 1);
            match (from / PAGE >= pages, fails) {
                (false, _) => Ok((from..from + PAGE).collect()),
                (true, false) => Ok(Vec::new()),
                (true, true) => Err(Unavailable("the store is away".to_owned())),
            }
        };
        answer(table, read).await
    }

    /// What a client gets of a table over a real connection, unless it breaks off: status and count of lines.
    async fn fetched(pages: u32, fails: bool, cut: bool) -> Option<(u16, usize)> {
        let server = actix_web::HttpServer::new(move || {
            let token = CancellationToken::new();
            if cut {
                token.cancel();
            }
            actix_web::App::new()
                .route("/", actix_web::web::get().to(move || numbers(pages, fails, token.clone())))
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
        let handle = server.handle();
        let running = tokio::spawn(server);
        let whole = async {
            let answer = reqwest::get(format!("http://{address}/")).await?;
            let status = answer.status().as_u16();
            Ok::<_, reqwest::Error>((status, answer.text().await?.lines().count()))
        };
        let whole = whole.await;
        handle.stop(true).await;
        running.await.unwrap().unwrap();
        whole.ok()
    }

    #[tokio::test]
    async fn a_table_that_breaks_off_breaks_the_connection() {
        assert_eq!(fetched(3, false, false).await, Some((200, 3001)));
        assert_eq!(fetched(2, true, false).await, None, "no clean end");
        assert_eq!(fetched(3, false, true).await, None, "nor when the server stops");
        let (status, _) = fetched(0, true, false).await.unwrap();
        assert_eq!(status, 503, "before the first page it is an ordinary error");
    }
}
