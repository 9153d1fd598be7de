//! Saldo: sell AI by the credit. See `api-server --help`.

use std::process::ExitCode;

// Not `#[actix_web::main]`: the stores need the multi-threaded runtime.
#[tokio::main]
async fn main() -> ExitCode {
    api_server::cli::run().await
}
