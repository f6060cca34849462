//! Runs the embedded API server and prints a kubeconfig for it.
//!
//! `cargo run -p trueup-embedded --example serve -- [address] [snapshot file]`

use std::error::Error;
use std::time::Duration;

use trueup_embedded::Server;

#[tokio::main]
#[expect(
    clippy::print_stdout,
    reason = "the kubeconfig is what this example is run for"
)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut builder = Server::builder().simulate_controllers(Duration::from_secs(1));
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
