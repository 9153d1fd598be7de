//! Server-sent events, taken from bytes that come in any pieces.
//!
//! Our own, since what exists does not hold up: eventsource-stream 0.2 panics at a byte order mark, takes quadratic time
//! (8 s for one event of 1 MB in pieces of 64 bytes) and drops events with CR for line ends; sse-stream 0.2 orders errors
//! differently for different pieces. Neither bounds an event, or keeps it as it came.

/// One event, with what it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The event as it came, the blank line included.
    pub(crate) raw: Vec<u8>,
    /// Its name; empty without one.
    pub(crate) name: Vec<u8>,
    /// Its data; lines are joined by line feeds.
    pub(crate) data: Vec<u8>,
}

/// An event was longer than is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Splits a stream of bytes into events. However the bytes are cut, the events are the same.
#[derive(Debug)]
pub(crate) struct Splitter {
    max_bytes: usize,
    buffer: Vec<u8>,
    /// Where the event that is not complete begins.
    frame: usize,
    /// Where its line that is not complete begins.
    line: usize,
    /// Up to where that was looked for an end.
    looked: usize,
    name: Vec<u8>,
    data: Option<Vec<u8>>,
    /// Lines so far, comments and blank ones too: signs of life.
    lines: u64,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Splitter {
    /// For events of at most so many bytes.
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            buffer: Vec::new(),
            frame: 0,
            line: 0,
            looked: 0,
            name: Vec::new(),
            data: None,
            lines: 0,
        }
    }

    /// The next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.frame);
        self.line -= self.frame;
        self.looked -= self.frame;
        self.frame = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The most bytes that an event may have.
    pub(crate) fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// How many lines there were so far.
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// The next event, if it has come whole. An event that is cut off is none.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, TooLong> {
        while let Some((line_end, next_line)) = self.line_end() {
            if next_line - self.frame > self.max_bytes {
                return Err(TooLong);
            }
            if self.lines == 0 && self.buffer.starts_with(BYTE_ORDER_MARK) {
                self.frame = BYTE_ORDER_MARK.len();
                self.line = self.frame;
            }
            self.lines += 1;
            let (start, is_blank) = (self.line, self.line == line_end);
            self.line = next_line;
            self.looked = next_line;
            if !is_blank {
                self.field(start, line_end);
                continue;
            }
            let raw = self.buffer[self.frame..next_line].to_vec();
            self.frame = next_line;
            let name = std::mem::take(&mut self.name);
            if let Some(data) = self.data.take() {
                return Ok(Some(Frame { raw, name, data }));
            }
        }
        if self.buffer.len() - self.frame > self.max_bytes { Err(TooLong) } else { Ok(None) }
    }

    /// Where the present line ends and the next one begins; `None` while that is unknown.
    fn line_end(&mut self) -> Option<(usize, usize)> {
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let Some(found) = self.buffer[self.looked..].iter().position(is_end) else {
            self.looked = self.buffer.len();
            return None;
        };
        let end = self.looked + found;
        self.looked = end;
        match (self.buffer[end], self.buffer.get(end + 1)) {
            // A line feed may follow, and would belong to it.
            (b'\r', None) => None,
            (b'\r', Some(b'\n')) => Some((end, end + 2)),
            _ => Some((end, end + 1)),
        }
    }

    fn field(&mut self, start: usize, end: usize) {
        let line = &self.buffer[start..end];
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"data" => match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            },
            b"event" => self.name = value.to_vec(),
            // Comments have no name; `id` and `retry` are for those who reconnect.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Frame>, TooLong> {
        let mut splitter = Splitter::new(100);
        let mut frames = Vec::new();
        for piece in pieces {
            splitter.push(piece);
            while let Some(frame) = splitter.next()? {
                frames.push(frame);
            }
        }
        Ok(frames)
    }

    fn events(text: &str) -> Vec<(String, String)> {
        let own = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let frames = split([text.as_bytes()]).unwrap();
        frames.into_iter().map(|frame| (own(frame.name), own(frame.data))).collect()
    }

    fn data(text: &str) -> Vec<String> {
        events(text).into_iter().map(|(_, data)| data).collect()
    }

    /// Everything that may be told apart: three kinds of line ends, letters of several bytes, comments, names, data in
    /// lines, fields without a value, a byte order mark.
    const STREAM: &str = "\u{feff}data: {\"a\":\"çã€😀\"}\n\n: ping\n\nevent: x\r\nid: 1\r\ndata: 1\r\ndata:2\r\n\r\n\
                          data: 3\r\rretry: 1\n: c\ndata\n\ndata: [DONE]\n\ndata: cut";

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        let bytes = STREAM.as_bytes();
        let whole = split([bytes]).unwrap();
        assert_eq!(whole.len(), 5);
        for i in 0..=bytes.len() {
            for j in i..=bytes.len() {
                let pieces = [&bytes[..i], &bytes[i..j], &bytes[j..]];
                assert_eq!(split(pieces).as_ref(), Ok(&whole), "cut at {i} and {j}");
            }
        }
        assert_eq!(split(bytes.chunks(1)), Ok(whole));
    }

    #[test]
    fn an_event_has_a_name_and_its_lines_joined() {
        let expected = [("", "{\"a\":\"çã€😀\"}"), ("x", "1\n2"), ("", "3"), ("", ""), ("", "[DONE]")];
        assert_eq!(events(STREAM), expected.map(|(name, data)| (name.to_owned(), data.to_owned())));
    }

    #[test]
    fn one_space_after_the_colon_is_no_data() {
        assert_eq!(data("data:  a \n\ndata:b\n\ndata : c\n\n"), [" a ", "b"]);
    }

    #[test]
    fn a_frame_is_kept_as_it_came() {
        let frames = split([STREAM.as_bytes()]).unwrap();
        let raw: Vec<u8> = frames.into_iter().flat_map(|frame| frame.raw).collect();
        let without =
            STREAM.trim_start_matches('\u{feff}').trim_end_matches("data: cut").replace(": ping\n\n", "");
        assert_eq!(String::from_utf8(raw).unwrap(), without);
    }

    #[test]
    fn what_is_not_ended_by_a_blank_line_is_no_event() {
        for text in
            ["data: 1", "data: 1\n", "data: 1\r", "data: 1\r\n", "", "\n\n\n", ": c\n\n", "event: x\n\n"]
        {
            assert!(events(text).is_empty(), "{text:?}");
        }
    }

    #[test]
    fn a_name_does_not_outlive_its_event() {
        assert_eq!(events("event: x\n\ndata: 1\n\n"), [(String::new(), "1".to_owned())]);
    }

    #[test]
    fn an_event_of_100_bytes_is_the_longest_of_100() {
        let of = |bytes: usize| format!("data: {}\n\n", "x".repeat(bytes - 8));
        let text = format!("{}{}", of(100), of(100));
        assert_eq!(split([text.as_bytes()]).unwrap().len(), 2);
        assert_eq!(split(text.as_bytes().chunks(7)).unwrap().len(), 2);
        for text in [of(101), "x".repeat(101), "data: x\n".repeat(13), ": c\n".repeat(26)] {
            assert_eq!(split([text.as_bytes()]), Err(TooLong));
            assert_eq!(split(text.as_bytes().chunks(1)), Err(TooLong));
        }
    }

    #[test]
    fn every_line_is_a_sign_of_life() {
        let mut splitter = Splitter::new(100);
        for (piece, lines) in [(": pi", 0), ("ng\n", 1), ("\n", 2), ("data: 1", 2), ("\n\n", 4)] {
            splitter.push(piece.as_bytes());
            while splitter.next().unwrap().is_some() {}
            assert_eq!(splitter.lines(), lines);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_are_the_same_events(
            bytes in proptest::collection::vec(proptest::sample::select(b"dat: e\r\n\xef\xbb\xbf".to_vec()), 0..90),
            size in 1_usize..20,
        ) {
            prop_assert_eq!(split(bytes.chunks(size)), split([&bytes[..]]));
        }
    }
}
