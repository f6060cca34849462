//! The first thing a newcomer runs: a Git repository becomes a cluster, before their eyes.
//!
//! In: nothing but the program. Out: an API server, a Git repository of the shipped estate, the
//! daemon over both, and a few lines that say what happens.
//! It must never take a way of its own: what is shown is the daemon's doing. It must never say that
//! something happened which it did not see on the API server.
//!
//! ```text
//!  estate ─► repository (a folder) ─► daemon ─► embedded API server ◄── kubectl
//!               ▲ commits                              ▲   │ seen
//!               └──────────── story ───────────────────┴───┴─► voice
//! ```

mod error;
mod estate;
mod eyes;
mod home;
mod repository;
mod story;
mod voice;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use trueup_embedded::Server;

pub use error::DemoError;
pub use voice::Voice;

use self::{
    home::Home,
    repository::{BRANCH, Repository, about},
    story::{ENVIRONMENT, Stage},
};
use crate::{
    cluster::{self, Access, Cluster, RetryPolicy},
    daemon::{self, Daemon},
    pipeline::Clusters,
    source::{GitConfig, GitSource, Reference},
};

/// How long the embedded cluster's controllers take for what they do.
const CONTROLLERS: Duration = Duration::from_millis(150);

/// How often the demo's repository is looked at; the acts ring the bell and do not wait for it.
const POLL: Duration = Duration::from_secs(5);

/// How the demo is run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// End after the last act, instead of staying up to be looked at.
    pub once: bool,
    /// The port of the API server; a free one where it is 0.
    pub port: u16,
    /// Where to put the repository and the kubeconfig, to be kept; a temporary folder, removed at
    /// the end, where there is none.
    pub keep: Option<PathBuf>,
}

/// Shows the demo. Ends after its last act, or, unless it is to end by itself, with Ctrl-C.
pub async fn run(options: &Options, voice: &mut Voice<'_>) -> Result<(), DemoError> {
    let home = Home::make(options.keep.as_deref())?;
    voice.title("trueup demo", "a Git repository becomes a cluster")?;

    let server = start_server(options.port).await?;
    let kubeconfig = home.path().join("kubeconfig");
    fs::write(&kubeconfig, server.kubeconfig()).map_err(|error| about(&kubeconfig, error))?;
    voice.act("An API server starts, inside this process")?;
    voice.note(&server.url())?;

    let (repository, revision) = make_repository(home.path())?;
    voice.act("The reference estate becomes a Git repository")?;
    voice.note(&repository.folder().display().to_string())?;

    let daemon = start_daemon(&repository, home.path(), &server).await?;
    let (address, stop) = (daemon.address(), daemon.stop().clone());
    let (board, wake) = (daemon.board().clone(), daemon.wake().clone());
    let cluster = connect(&server).await?;
    let running = daemon::run_until_signalled(daemon);
    tokio::pin!(running);

    let mut stage = Stage {
        repository: &repository,
        board: &board,
        wake: &wake,
        cluster,
        voice,
    };
    tokio::select! {
        // The daemon ends before its time only by a signal or a failure.
        ended = &mut running => return ended.map_err(DemoError::Daemon),
        told = stage.play(&revision) => told?,
    }
    if options.once {
        voice.end("That was all. Every step was seen on the API server.")?;
        stop.cancel();
    } else {
        invite(voice, &kubeconfig, address, &repository)?;
    }
    running.await?;
    server
        .stop()
        .await
        .map_err(|error| DemoError::Server(error.to_string()))
}

/// What a spectator can do next.
fn invite(
    voice: &mut Voice<'_>,
    kubeconfig: &Path,
    address: SocketAddr,
    repository: &Repository,
) -> Result<(), DemoError> {
    voice.heading("Your turn")?;
    voice.command(&format!("export KUBECONFIG={}", kubeconfig.display()), "")?;
    voice.command("kubectl get all -n hub", "what is there")?;
    voice.command("kubectl delete deployment frontend -n hub", "it comes back")?;
    voice.command(
        &format!("cd {}", repository.folder().display()),
        "edit, commit: it is applied",
    )?;
    voice.command(
        &format!("curl http://{address}/api/v1/status"),
        "what trueup knows",
    )?;
    voice.command(&format!("curl http://{address}/metrics"), "what it counts")?;
    voice.end("Ctrl-C ends it.")?;
    Ok(())
}

async fn start_server(port: u16) -> Result<Server, DemoError> {
    Server::builder()
        .address(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .simulate_controllers(CONTROLLERS)
        .start()
        .await
        .map_err(|error| DemoError::Server(error.to_string()))
}

async fn connect(server: &Server) -> Result<Arc<dyn Cluster>, DemoError> {
    let access = Access::Url {
        url: server.url(),
        token: None,
    };
    Ok(Arc::new(
        cluster::connect(&access, RetryPolicy::default()).await?,
    ))
}

fn make_repository(home: &Path) -> Result<(Repository, String), DemoError> {
    let folder = home.join("repository");
    estate::write_to(&folder).map_err(|error| about(&folder, error))?;
    let repository = Repository::make(&folder)?;
    let revision = repository.commit("Begin with the reference estate")?;
    Ok((repository, revision))
}

async fn start_daemon(
    repository: &Repository,
    home: &Path,
    server: &Server,
) -> Result<Daemon, DemoError> {
    let options = daemon::Options {
        environments: vec![ENVIRONMENT.to_owned()],
        // A free port: the demo must start beside a daemon that runs already.
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        ..daemon::Options::default()
    };
    let url = format!("file://{}", repository.folder().display()).parse()?;
    let source = GitSource::open(GitConfig {
        reference: Reference::Branch(BRANCH.to_owned()),
        cache_dir: home.join("cache"),
        interval: POLL,
        ..GitConfig::new(url)
    })?;
    let access = Access::Url {
        url: server.url(),
        token: None,
    };
    let clusters = Arc::new(Clusters::new(Some(access)));
    Ok(Daemon::start(options, source, POLL, clusters).await?)
}
