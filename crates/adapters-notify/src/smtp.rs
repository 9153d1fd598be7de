//! Letters over SMTP.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::contact::EmailAddress;
use domain::ports::notices::{Courier, CourierError, Message, Recipient};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::error::{SetupError, chain};
use crate::letter::{Letter, write};

/// How long the server may take for one step, and for all of them.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(30);
/// Answers that speak of us, not of the letter (RFC 4954): who is not let in may be let in later.
const ABOUT_LETTING_IN: std::ops::RangeInclusive<u16> = 530..=539;

/// How what is said to the server is kept secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// TLS from the first byte.
    Tls,
    /// TLS after `STARTTLS`, or nothing is said.
    StartTls,
    /// None.
    Off,
}

/// The server that takes letters.
#[derive(Clone)]
pub struct SmtpServer {
    host: String,
    port: u16,
    encryption: Encryption,
    credentials: Option<(String, SecretString)>,
}

/// Not the credentials.
impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, encryption, .. } = self;
        write!(f, "SmtpServer({host}:{port}, {encryption:?})")
    }
}

impl FromStr for SmtpServer {
    type Err = SetupError;

    /// `smtps://user:password@host:465` is TLS; `smtp://user:password@host:587` is `STARTTLS`, but for this machine,
    /// which is spoken to in the clear. `?tls=none` speaks to any machine in the clear.
    fn from_str(text: &str) -> Result<Self, SetupError> {
        let wrong = SetupError::Server;
        let url = Url::parse(text).map_err(|_| wrong("it is no address"))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(wrong("it has no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(wrong("it must end with host and port"));
        }
        let (encryption, port) = match (url.scheme(), url.query()) {
            ("smtps", None) => (Encryption::Tls, 465),
            ("smtp", None) if is_local(&host) => (Encryption::Off, 587),
            ("smtp", None) => (Encryption::StartTls, 587),
            ("smtp", Some("tls=none")) => (Encryption::Off, 587),
            ("smtp" | "smtps", _) => {
                return Err(wrong("`?tls=none` is all that may follow, and for smtp:// only"));
            }
            _ => return Err(wrong("it begins with neither smtp:// nor smtps://")),
        };
        let credentials = match (decoded(url.username())?, url.password()) {
            (user, None) if user.is_empty() => None,
            (user, Some(password)) if !user.is_empty() => Some((user, decoded(password)?.into())),
            _ => return Err(wrong("it has a user without a password, or the other way round")),
        };
        Ok(Self { host, port: url.port().unwrap_or(port), encryption, credentials })
    }
}

impl SmtpServer {
    /// How it is spoken to.
    pub fn encryption(&self) -> Encryption {
        self.encryption
    }

    /// Whether it is this machine.
    pub fn is_local(&self) -> bool {
        is_local(&self.host)
    }
}

fn is_local(host: &str) -> bool {
    let v4 = host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    let v6 = host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback());
    v4 || v6 || host == "localhost"
}

fn decoded(text: &str) -> Result<String, SetupError> {
    let decoded = percent_decode_str(text).decode_utf8();
    Ok(decoded.map_err(|_| SetupError::Server("user or password are not UTF-8"))?.into_owned())
}

/// Who letters come from: an address, or `Name <address>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    mailbox: Mailbox,
    domain: String,
}

impl FromStr for Sender {
    type Err = SetupError;

    fn from_str(text: &str) -> Result<Self, SetupError> {
        let mailbox: Mailbox = text.parse().map_err(|_| SetupError::Sender)?;
        let address: EmailAddress = mailbox.email.to_string().parse().map_err(|_| SetupError::Sender)?;
        Ok(Self { mailbox, domain: address.domain().to_owned() })
    }
}

/// Writes letters and hands them to a server.
#[derive(Clone)]
pub struct Letters {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Sender,
    /// Where the product's pages are.
    pages: String,
}

impl Letters {
    /// Letters from `sender`, which name `pages` as the product's.
    pub fn new(server: &SmtpServer, sender: Sender, pages: &str) -> Result<Self, SetupError> {
        let tls =
            || TlsParameters::new(server.host.clone()).map_err(|error| SetupError::Client(chain(&error)));
        let tls = match server.encryption {
            Encryption::Tls => Tls::Wrapper(tls()?),
            Encryption::StartTls => Tls::Required(tls()?),
            Encryption::Off => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(server.port)
            .tls(tls)
            .hello_name(ClientId::Domain(sender.domain.clone()))
            .timeout(Some(STEP_TIMEOUT));
        if let Some((user, password)) = &server.credentials {
            builder =
                builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        Ok(Self { transport: builder.build(), sender, pages: pages.to_owned() })
    }

    fn envelope(
        &self,
        message: &Message,
        address: &EmailAddress,
        letter: Letter,
    ) -> Result<lettre::Message, CourierError> {
        // What may be wrong is the address, which is not repeated.
        let unfit = |_| CourierError::Refused("no letter can be written to that address".to_owned());
        let to = address.as_str().parse::<lettre::Address>().map_err(|error| unfit(error.to_string()))?;
        lettre::Message::builder()
            .from(self.sender.mailbox.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject)
            .date(date(message.at))
            .message_id(Some(format!("<{}@{}>", message.id, self.sender.domain)))
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .multipart(MultiPart::alternative_plain_html(letter.text, letter.html))
            .map_err(|error| unfit(error.to_string()))
    }
}

fn date(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(at.as_micros().max(0).unsigned_abs())
}

#[async_trait]
impl Courier for Letters {
    async fn send(&self, message: &Message) -> Result<(), CourierError> {
        let Recipient::Mailbox { address, language } = &message.to else {
            return Err(CourierError::Refused("no mailbox".to_owned()));
        };
        let letter = write(&message.notice, *language, &self.pages).map_err(CourierError::Refused)?;
        let letter = self.envelope(message, address, letter)?;
        match tokio::time::timeout(TIMEOUT, self.transport.send(letter)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(judge(&error)),
            Err(_) => Err(failed("no answer in 30 seconds")),
        }
    }
}

/// What the server said is not repeated: it often says the address.
fn judge(error: &smtp::Error) -> CourierError {
    if let Some(code) = error.status() {
        let code = u16::from(code);
        let answered = format!("the mail server answered {code}");
        let for_good = error.is_permanent() && !ABOUT_LETTING_IN.contains(&code);
        return if for_good { CourierError::Refused(answered) } else { failed(&answered) };
    }
    failed(match () {
        () if error.is_timeout() => "the mail server does not answer in time",
        () if error.is_tls() => "the mail server's TLS is not right",
        () if error.is_response() => "the mail server says nothing that SMTP knows",
        () if error.is_client() => "the mail server does not do what is asked of it: AUTH or STARTTLS",
        () => "the mail server cannot be reached",
    })
}

fn failed(reason: &str) -> CourierError {
    CourierError::Failed { reason: reason.to_owned(), retry_after: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> Result<(String, u16, Encryption, bool), SetupError> {
        let server: SmtpServer = text.parse()?;
        Ok((server.host.clone(), server.port, server.encryption, server.credentials.is_some()))
    }

    #[test]
    fn a_server_is_spoken_to_in_secret_unless_it_is_this_machine() {
        use Encryption::{Off, StartTls, Tls};
        for (text, host, port, encryption, credentials) in [
            ("smtps://u:p@mail.example.com", "mail.example.com", 465, Tls, true),
            ("smtps://mail.example.com:2465", "mail.example.com", 2465, Tls, false),
            ("smtp://u%40x:p%3a%2f@mail.example.com", "mail.example.com", 587, StartTls, true),
            ("smtp://mail.example.com:25/", "mail.example.com", 25, StartTls, false),
            ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, Off, false),
            ("smtp://localhost:1025", "localhost", 1025, Off, false),
            ("smtp://[::1]:1025", "::1", 1025, Off, false),
            ("smtp://mailpit:1025?tls=none", "mailpit", 1025, Off, false),
        ] {
            assert_eq!(server(text), Ok((host.to_owned(), port, encryption, credentials)), "{text}");
        }
        let server: SmtpServer = "smtp://u%40x:p%3A%2F@mail.example.com".parse().unwrap();
        let (user, password) = server.credentials.clone().unwrap();
        assert_eq!((user.as_str(), password.expose_secret()), ("u@x", "p:/"));
        assert_eq!(format!("{server:?}"), "SmtpServer(mail.example.com:587, StartTls)");
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for bad in [
            "",
            "mail.example.com",
            "smtp://",
            "https://mail.example.com",
            "smtp://u@mail.example.com",
            "smtp://:p@mail.example.com",
            "smtp://mail.example.com/path",
            "smtp://mail.example.com?tls=maybe",
            "smtps://mail.example.com?tls=none",
            "smtp://%ff:p@mail.example.com",
        ] {
            assert!(matches!(server(bad), Err(SetupError::Server(_))), "{bad}");
        }
    }

    #[test]
    fn a_sender_has_an_address() {
        for good in ["no-reply@example.com", "Saldo <no-reply@example.com>", "\"Saldo, IA\" <a@example.com>"]
        {
            assert_eq!(good.parse::<Sender>().map(|it| it.domain), Ok("example.com".to_owned()), "{good}");
        }
        for bad in ["", "Saldo", "Saldo <>", "a@localhost", "a@example.com, b@example.com"] {
            assert_eq!(bad.parse::<Sender>().err(), Some(SetupError::Sender), "{bad}");
        }
    }
}
