//! The signature of an event, as [Standard Webhooks](https://www.standardwebhooks.com) has it: `v1,` and the base64 of
//! HMAC-SHA256 over `id.timestamp.body`. The key is what the base64 behind `whsec_` stands for.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

use crate::error::SetupError;

const PREFIX: &str = "whsec_";
/// How many bytes a key has, at least and at most.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret that events are signed with.
#[derive(Clone, Debug)]
pub struct Secret(SecretSlice<u8>);

impl FromStr for Secret {
    type Err = SetupError;

    fn from_str(text: &str) -> Result<Self, SetupError> {
        let key = text.strip_prefix(PREFIX).and_then(|random| STANDARD.decode(random).ok());
        let key = key.filter(|key| KEY_BYTES.contains(&key.len())).ok_or(SetupError::Secret)?;
        Ok(Self(key.into()))
    }
}

impl Secret {
    /// The signature of a body that is sent under this id at this second.
    pub fn sign(&self, id: &str, at_unix_secs: i64, body: &[u8]) -> String {
        // HMAC takes keys of every length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()) else {
            return String::new();
        };
        mac.update(format!("{id}.{at_unix_secs}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn an_event_is_signed_as_the_specification_says() {
        let secret: Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let signature =
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_must_look_like_one_and_does_not_show() {
        let bytes = |count: usize| format!("whsec_{}", STANDARD.encode(vec![7; count]));
        for bad in ["", "whsec_", "whsec_!!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &bytes(23), &bytes(65)] {
            assert_eq!(bad.parse::<Secret>().err(), Some(SetupError::Secret), "{bad}");
        }
        for count in [24, 32, 64] {
            let secret: Secret = bytes(count).parse().unwrap();
            assert!(!format!("{secret:?}").contains('7'));
        }
    }
}
