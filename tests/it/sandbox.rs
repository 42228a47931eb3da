//! A directory of its own for one test, with a config, feeds and state, and the built program run in it
//! with an empty environment: once to its end, or as a daemon under a double of the service manager.

use std::ffi::OsStr;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

use super::inbox::PATIENCE;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_supplywatch");
/// The project's own directory.
pub const PROJECT: &str = env!("CARGO_MANIFEST_DIR");

/// A directory for one test; it is removed with it.
pub struct Sandbox {
    directory: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

impl Sandbox {
    /// An empty one.
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    /// One with this config.
    pub fn with_config(toml: &str) -> Self {
        let sandbox = Self::new();
        sandbox.write("config/supplywatch.toml", toml);
        sandbox
    }

    /// One with a copy of the config that is shipped, and the README beside it.
    pub fn shipped() -> Self {
        let sandbox = Self::new();
        copy(&Path::new(PROJECT).join("config"), &sandbox.path("config"));
        sandbox
    }

    /// Every later run has this variable.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    /// The program with arguments, in this directory.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments);
        self.prepare(&mut command);
        command
    }

    /// A line of shell, in this directory, with a `cargo` that runs the program: what a reader of the
    /// README does.
    #[track_caller]
    pub fn shell(&self, line: &str) -> Ended {
        self.start_shell(line).end()
    }

    /// The same, under way.
    pub fn start_shell(&self, line: &str) -> Process {
        use std::os::unix::fs::PermissionsExt;
        let cargo = self.path("bin/cargo");
        let script = format!("#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec '{PROGRAM}' \"$@\"\n");
        self.write("bin/cargo", script);
        std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-ec", line]);
        self.prepare(&mut command);
        command.env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display()));
        Process::spawn(command)
    }

    fn prepare(&self, command: &mut Command) {
        command.current_dir(self.directory.path()).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
    }

    /// Runs the program to its end.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Ended {
        Process::spawn(self.command(arguments)).end()
    }

    /// Runs the program, which must end with exit code 0; its standard output.
    #[track_caller]
    pub fn stdout(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        ended.is(0);
        ended.stdout
    }

    /// Runs the program with `--format json`, which must end with exit code 0; one value a line.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Vec<serde_json::Value> {
        let with_format = [arguments, &["--format", "json"]].concat();
        self.stdout(&with_format).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Every file in here with its bytes, for "nothing was written".
    pub fn contents(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let (mut files, mut left) = (Vec::new(), vec![self.directory.path().to_owned()]);
        while let Some(directory) = left.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { left.push(path) } else { files.push((path.clone(), std::fs::read(path).unwrap())) }
            }
        }
        files.sort();
        files
    }

    /// Starts the daemon under a service manager's socket at a path.
    pub fn daemon(&self) -> Daemon {
        self.daemon_with(&[], &[])
    }

    /// Starts the daemon with more arguments and variables.
    pub fn daemon_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Daemon {
        let path = self.path("notify");
        drop(std::fs::remove_file(&path));
        let listener = UnixDatagram::bind(&path).unwrap();
        self.start(listener, path.as_os_str(), arguments, variables)
    }

    /// Starts the daemon under a service manager's abstract socket.
    pub fn daemon_abstract(&self) -> Daemon {
        let name = self.directory.path().display().to_string();
        let listener = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        self.start(listener, OsStr::new(&format!("@{name}")), &[], &[])
    }

    /// Starts the daemon under a service manager that listens for it, as sd_listen_fds(3) has it.
    pub fn daemon_handed(&self, opened: TcpListener, arguments: &[&str]) -> Daemon {
        let path = self.path("notify");
        let listener = notified(UnixDatagram::bind(&path).unwrap());
        let script = "exec 3<&0 </dev/null; export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$@\"";
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script, "sh", PROGRAM, "run"]).args(arguments);
        self.prepare(&mut command);
        command.env("NOTIFY_SOCKET", path);
        Daemon { process: Process::spawn_with(command, OwnedFd::from(opened).into()), listener, sender: None }
    }

    fn start(&self, listener: UnixDatagram, socket: &OsStr, arguments: &[&str], variables: &[(&str, &str)]) -> Daemon {
        // Two pages cannot be at one address.
        let nowhere: &[&str] = if arguments.contains(&"--listen") { &[] } else { &["--listen", ""] };
        let mut command = self.command(&[&["run"], nowhere, arguments].concat());
        command.env("NOTIFY_SOCKET", socket).envs(variables.iter().copied());
        Daemon { process: Process::spawn(command), listener: notified(listener), sender: None }
    }
}

/// A service manager's socket: each notification says which process sent it.
fn notified(listener: UnixDatagram) -> UnixDatagram {
    rustix::net::sockopt::set_socket_passcred(&listener, true).unwrap();
    listener
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// It ended with this exit code.
    #[track_caller]
    pub fn is(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self
    }

    /// It said each of these, wherever.
    #[track_caller]
    pub fn says(&self, phrases: &[&str]) -> &Self {
        let all = format!("{}\n{}", self.stdout, self.stderr);
        for phrase in phrases {
            assert!(all.contains(phrase), "it does not say {phrase:?}\n{self}");
        }
        self
    }

    /// It said none of these.
    #[track_caller]
    pub fn says_nothing_of(&self, phrases: &[&str]) -> &Self {
        let all = format!("{}\n{}", self.stdout, self.stderr);
        for phrase in phrases {
            assert!(!all.contains(phrase), "it says {phrase:?}\n{self}");
        }
        self
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n--- stdout\n{}\n--- stderr\n{}\n---", self.status, self.stdout, self.stderr)
    }
}

/// A process under way; dropping it kills it.
pub struct Process {
    child: Child,
    outputs: [Receiver<String>; 2],
    output: [Option<String>; 2],
}

impl Process {
    pub fn spawn(command: Command) -> Self {
        Self::spawn_with(command, Stdio::null())
    }

    /// The same with something to read.
    pub fn spawn_with(mut command: Command, stdin: Stdio) -> Self {
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let outputs = [read(child.stdout.take().unwrap()), read(child.stderr.take().unwrap())];
        Self { child, outputs, output: [None, None] }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end, but no longer than this; whether it ended. Both its outputs close with it.
    pub fn ends_within(&mut self, patience: Duration) -> bool {
        let begun = Instant::now();
        for (output, text) in self.outputs.iter().zip(&mut self.output).filter(|(_, text)| text.is_none()) {
            match output.recv_timeout(patience.saturating_sub(begun.elapsed())) {
                Ok(all) => *text = Some(all),
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => panic!("an output was not UTF-8"),
            }
        }
        true
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(mut self) -> Ended {
        if !self.ends_within(PATIENCE) {
            self.child.kill().unwrap();
            self.ends_within(PATIENCE);
            panic!("it did not end; killed, having said: {:?}", self.output);
        }
        let status = self.child.wait().unwrap();
        let [stdout, stderr] = std::mem::take(&mut self.output).map(Option::unwrap_or_default);
        Ended { status, stdout, stderr }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already, in every test that passes.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// All that a pipe brings, once it is closed.
fn read(mut pipe: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        if pipe.read_to_string(&mut text).is_ok() {
            // Nobody waits for a process that was dropped.
            drop(sender.send(text));
        }
    });
    receiver
}

/// A daemon under way, and what it tells its service manager.
pub struct Daemon {
    pub process: Process,
    listener: UnixDatagram,
    /// The process that sent the last notification.
    pub sender: Option<u32>,
}

impl Daemon {
    /// Waits for a notification with a line that begins like this; the whole notification.
    #[track_caller]
    pub fn wait(&mut self, line: &str) -> String {
        let begun = Instant::now();
        let mut seen = Vec::new();
        loop {
            let left = PATIENCE.saturating_sub(begun.elapsed()).max(Duration::from_millis(1));
            self.listener.set_read_timeout(Some(left)).unwrap();
            let Some(text) = self.notification() else {
                self.process.ends_within(Duration::ZERO);
                panic!("waited in vain for {line}; heard {seen:#?}; it said {:?}", self.process.output)
            };
            if text.lines().any(|known| known.starts_with(line)) {
                return text;
            }
            seen.push(text);
        }
    }

    /// The next notification, if one comes in time.
    fn notification(&mut self) -> Option<String> {
        let mut buffer = [0; 4096];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        let parts = &mut [IoSliceMut::new(&mut buffer)];
        let length = recvmsg(&self.listener, parts, &mut beside, RecvFlags::empty()).ok()?.bytes;
        self.sender = beside.drain().find_map(|said| match said {
            RecvAncillaryMessage::ScmCredentials(credentials) => u32::try_from(credentials.pid.as_raw_pid()).ok(),
            _ => None,
        });
        Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
    }

    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Tells it to end, and waits for that.
    #[track_caller]
    pub fn stop(mut self) -> Ended {
        self.signal(Signal::TERM);
        self.wait("STOPPING=1");
        self.process.end()
    }
}

#[test]
fn a_command_runs_alone_and_is_read_to_its_end() {
    let mut sandbox = Sandbox::new();
    sandbox.set("GREETING", "hello");
    let ended = sandbox.shell("echo $GREETING $HOME; pwd >&2; exit 3");
    ended.is(3).says(&["hello"]).says_nothing_of(&["/root"]);
    assert_eq!(ended.stdout, "hello\n");
    assert_eq!(ended.stderr.trim_end(), sandbox.path("").canonicalize().unwrap().to_str().unwrap());
    sandbox.shell("cargo run --release -- --version").is(0).says(&["supplywatch 0."]);
}

#[test]
fn what_does_not_end_is_seen_and_can_be_killed() {
    let mut command = Command::new("/usr/bin/tail");
    command.args(["-f", "/dev/null"]);
    let mut process = Process::spawn(command);
    assert!(!process.ends_within(Duration::from_millis(1)));
    process.signal(Signal::KILL);
    assert!(process.ends_within(PATIENCE));
    assert_eq!(process.end().status.code(), None);
}
