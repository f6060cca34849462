//! Runs the embedded API server and prints a kubeconfig for it.
//!
//! `cargo run -p trueup-embedded --example serve -- [--bare] [address] [snapshot file]`
//!
//! With `--bare` no controllers are simulated: what is applied stays as it was written.

use std::error::Error;
use std::time::Duration;

use trueup_embedded::Server;

#[tokio::main]
#[expect(
    clippy::print_stdout,
    reason = "the kubeconfig is what this example is run for"
)]
async fn main() -> Result<(), Box<dyn Error>> {
    let (flags, arguments): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|argument| argument.starts_with("--"));
    let mut arguments = arguments.into_iter();
    let mut builder = Server::builder();
    if !flags.iter().any(|flag| flag == "--bare") {
        builder = builder.simulate_controllers(Duration::from_secs(1));
    }
    if let Some(address) = arguments.next() {
        builder = builder.address(address.parse()?);
    }
    if let Some(path) = arguments.next() {
        builder = builder.snapshot(path);
    }
    let server = builder.start().await?;
    print!("{}", server.kubeconfig());
    tokio::signal::ctrl_c().await?;
    server.stop().await?;
    Ok(())
}
