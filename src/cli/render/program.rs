//! Runs the programs that a kustomization names as functions, as the person who asked for it.

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use trueup_kustomize::{FunctionCall, FunctionRunner};
use trueup_manifest::Diagnostic;

/// The most that a program may print.
const MOST_OUTPUT: u64 = 256 << 20;
/// The most of what it says on standard error that is told.
const MOST_SAID: u64 = 64 << 10;
/// How often to look whether a program has ended.
const LOOK: Duration = Duration::from_millis(5);

/// Runs programs in the folders of kustomizations.
pub(super) struct Programs {
    /// The folder on this machine that is the root of the tree.
    pub(super) root: PathBuf,
    /// `NAME=VALUE` pairs that win over those a function asks for.
    pub(super) environment: Vec<String>,
    /// How long one may take.
    pub(super) timeout: Duration,
}

impl FunctionRunner for Programs {
    fn run(&self, call: &FunctionCall<'_>) -> Result<String, Diagnostic> {
        let dir = self.root.join(call.dir.as_str());
        let mut child = self.start(call, &dir).map_err(|error| {
            failed(&format!(
                "the program `{}` cannot be started: {error}",
                call.path
            ))
            .help(
                "a path is relative to the folder of the kustomization, and the file must be \
                 executable",
            )
        })?;
        let output = gather(child.stdout.take(), MOST_OUTPUT);
        let said = gather(child.stderr.take(), MOST_SAID);
        if let Some(mut stdin) = child.stdin.take() {
            let input = call.input.to_owned();
            // A program that reads nothing of it is free to.
            thread::spawn(move || stdin.write_all(input.as_bytes()));
        }
        let ended = self
            .wait(&mut child)
            .map_err(|error| failed(&format!("the program `{}` is lost: {error}", call.path)))?;
        let Some(status) = ended else {
            let limit = self.timeout.as_secs();
            return Err(failed(&format!(
                "the program `{}` did not end within {limit} s",
                call.path
            ))
            .help("`--function-timeout` gives it longer"));
        };
        let said = said.recv().unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        if !status.success() {
            let how = format!("the program `{}` {}", call.path, outcome(status));
            let said = said.trim();
            return Err(if said.is_empty() {
                failed(&how).help("it said nothing on standard error")
            } else {
                failed(&format!("{how}: {said}"))
            });
        }
        // What it says beside its answer is for the person.
        let _ = io::stderr().write_all(said.as_bytes());
        let output = output.recv().unwrap_or_default();
        if output.len() as u64 > MOST_OUTPUT {
            let message = format!(
                "the program `{}` prints more than {MOST_OUTPUT} bytes",
                call.path
            );
            return Err(failed(&message));
        }
        String::from_utf8(output).map_err(|_| {
            failed(&format!(
                "the program `{}` prints what is not UTF-8",
                call.path
            ))
        })
    }
}

impl Programs {
    fn start(&self, call: &FunctionCall<'_>, dir: &Path) -> io::Result<Child> {
        let program = if call.path.contains('/') {
            dir.join(call.path)
        } else {
            PathBuf::from(call.path)
        };
        let pairs = call.environment.iter().chain(&self.environment);
        Command::new(program)
            .args(call.arguments)
            .envs(pairs.filter_map(|pair| pair.split_once('=')))
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }

    /// How the program ended; none where it had to be killed.
    fn wait(&self, child: &mut Child) -> io::Result<Option<ExitStatus>> {
        let until = Instant::now() + self.timeout;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() >= until {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
            thread::sleep(LOOK);
        }
    }
}

/// Reads a stream to its end on a thread of its own, so that neither stream can block the program. More
/// than `most` bytes are read, and only one more kept, for the caller to see.
fn gather(stream: Option<impl Read + Send + 'static>, most: u64) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut stream) = stream {
            // What was read before an error is all there is.
            let _ = stream.by_ref().take(most + 1).read_to_end(&mut kept);
            let _ = io::copy(&mut stream, &mut io::sink());
        }
        // One who gave up waiting wants none of it.
        let _ = sender.send(kept);
    });
    receiver
}

fn outcome(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("ended with {code}"),
        None => "was ended by a signal".to_owned(),
    }
}

fn failed(message: &str) -> Diagnostic {
    Diagnostic::error("kustomize/function-failed", message)
}
