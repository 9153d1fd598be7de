//! A letter as it came.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What a mail server took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// `MAIL FROM`.
    pub from: String,
    /// `RCPT TO`.
    pub to: Vec<String>,
    /// Head and body, as they came.
    pub raw: String,
}

impl Mail {
    /// A header, its encoded words decoded; the first of that name.
    pub fn header(&self, name: &str) -> Option<String> {
        header(head(&self.raw), name)
    }

    /// The part of this type, such as `text/plain`, decoded.
    pub fn part(&self, kind: &str) -> Option<String> {
        let content_type = self.header("Content-Type")?;
        let boundary = format!("--{}", content_type.split("boundary=\"").nth(1)?.split('"').next()?);
        let parts = self.raw.split(&boundary);
        let part = parts
            .skip(1)
            .map(str::trim_start)
            .find(|part| header(head(part), "Content-Type").is_some_and(|found| found.starts_with(kind)))?;
        let (_, body) = part.split_once("\r\n\r\n")?;
        let bytes = match header(head(part), "Content-Transfer-Encoding").as_deref() {
            Some("base64") => STANDARD.decode(body.split_whitespace().collect::<String>()).ok()?,
            Some("quoted-printable") => unquote(body, false),
            _ => body.as_bytes().to_vec(),
        };
        String::from_utf8(bytes).ok()
    }
}

fn head(text: &str) -> &str {
    text.split("\r\n\r\n").next().unwrap_or_default()
}

fn header(head: &str, name: &str) -> Option<String> {
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let line = unfolded.split("\r\n").find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then(|| value.to_owned())
    })?;
    Some(decode_words(&line))
}

/// Decodes `=?utf-8?b?...?=` and `=?utf-8?q?...?=`; the blank between two of them is not there.
fn decode_words(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line.replace("?= =?", "?==?");
    while let Some((before, word)) = rest.split_once("=?") {
        text.push_str(before);
        let mut fields = word.splitn(4, '?');
        let (_, encoding, body) = (fields.next(), fields.next(), fields.next().unwrap_or_default());
        let bytes = match encoding {
            Some("b" | "B") => STANDARD.decode(body).unwrap_or_default(),
            _ => unquote(body, true),
        };
        text.push_str(&String::from_utf8_lossy(&bytes));
        let after = fields.next().unwrap_or_default();
        rest = after.strip_prefix('=').unwrap_or(after).to_owned();
    }
    text + &rest
}

fn unquote(text: &str, in_header: bool) -> Vec<u8> {
    let text = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (first, hex) {
            (b'=', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'_', _) if in_header => {
                bytes.push(b' ');
                rest = tail;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_taken_apart() {
        let raw = "Subject: =?utf-8?b?w6kgaXNzbw==?= =?utf-8?q?_=C3=A1?=\r\nContent-Type: multipart/alternative;\r\n \
                   boundary=\"xyz\"\r\n\r\n--xyz\r\nContent-Type: text/plain; charset=utf-8\r\n\
                   Content-Transfer-Encoding: quoted-printable\r\n\r\ncr=C3=A9ditos =\r\njuntos\r\n--xyz--\r\n";
        let mail = Mail { from: String::new(), to: Vec::new(), raw: raw.to_owned() };
        assert_eq!(mail.header("subject").as_deref(), Some("é isso á"));
        assert_eq!(mail.part("text/plain").as_deref(), Some("créditos juntos\r\n"));
        assert_eq!(mail.part("text/html"), None);
    }
}
