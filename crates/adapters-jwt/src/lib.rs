//! Bearer tokens behind the token verifier port
