//! The session of a person at a desktop: a message bus of its own, and GNOME's keyring behind it.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// The password of the person's keyring.
const KEYRING_PASSWORD: &str = "a password that opens a keyring";
/// Where a bus looks for what opens the keyring.
const SERVICE_FILE: &str = "org.freedesktop.secrets.service";

/// A bus, and a keyring that starts when somebody asks for it, as on a desktop.
#[derive(Debug)]
pub struct Desktop {
    bus: Child,
    address: String,
    // A path of its own: the address of a socket has 107 bytes at most.
    folder: TempDir,
}

impl Desktop {
    /// A session in which the keyring is open.
    pub fn new() -> Self {
        let desktop = Self::without_keyring();
        desktop.offer_keyring(true);
        desktop
    }

    /// A session in which nothing keeps secrets.
    pub fn without_keyring() -> Self {
        let folder = tempfile::Builder::new().prefix("desktop-").tempdir().expect("the system has room for files");
        let at = folder.path();
        fs_err::create_dir(at.join("services")).expect("the folder can be written to");
        let config = format!(
            "<busconfig><type>session</type><listen>unix:path={at}/bus</listen><auth>EXTERNAL</auth>\
             <servicedir>{at}/services</servicedir><policy context='default'><allow send_destination='*' eavesdrop='true'/>\
             <allow eavesdrop='true'/><allow own='*'/></policy></busconfig>",
            at = at.display()
        );
        fs_err::write(at.join("bus.conf"), config).expect("the folder can be written to");
        let mut command = Command::new("dbus-daemon");
        command.arg(format!("--config-file={}", at.join("bus.conf").display())).args(["--nofork", "--print-address"]);
        in_session(&mut command, at);
        let mut bus = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("dbus-daemon is installed");
        let mut address = String::new();
        let said = bus.stdout.take().expect("it was asked for");
        BufReader::new(said).read_line(&mut address).expect("the bus says where it is");
        Self { bus, address: address.trim().to_owned(), folder }
    }

    /// Has the bus start the keyring when it is next asked for; `open` when the person's password is there to open it.
    pub fn offer_keyring(&self, open: bool) {
        let at = self.folder.path();
        let (start, password) = (at.join("start-keyring"), at.join("password"));
        fs_err::write(&password, KEYRING_PASSWORD).expect("the folder can be written to");
        // One line of stdin, as a sign-in to the desktop gives it; without it nobody is there to be asked.
        let how = if open { format!("--unlock <'{}'", password.display()) } else { "</dev/null".to_owned() };
        let script = format!(
            "#!/bin/sh\necho $$ >'{}'\nexec gnome-keyring-daemon --foreground --components=secrets {how} >/dev/null 2>&1\n",
            self.process_file().display()
        );
        fs_err::write(&start, script).expect("the folder can be written to");
        let rights = std::fs::Permissions::from_mode(0o700);
        fs_err::set_permissions(&start, rights).expect("it is the test's own file");
        let service = format!("[D-BUS Service]\nName=org.freedesktop.secrets\nExec={}\n", start.display());
        fs_err::write(at.join("services").join(SERVICE_FILE), service).expect("the folder can be written to");
        self.ask_bus("ReloadConfig", &[]);
    }

    /// Has new entries go where they are lost when the person signs out.
    pub fn keep_for_session_only(&self) {
        let session = "objpath:/org/freedesktop/secrets/collection/session";
        let (whom, path) = ("org.freedesktop.secrets", "/org/freedesktop/secrets");
        self.ask(whom, path, "org.freedesktop.Secret.Service.SetAlias", &["string:default", session]);
    }

    /// Kills the keyring; what it keeps stays on its disk, and the bus starts it again.
    pub fn end_keyring(&self) {
        if self.kill_keyring() {
            while self.ask_bus("NameHasOwner", &["string:org.freedesktop.secrets"]).contains("true") {
                std::thread::yield_now();
            }
            fs_err::remove_file(self.process_file()).expect("it was there");
        }
    }

    fn kill_keyring(&self) -> bool {
        let Ok(process) = fs_err::read_to_string(self.process_file()) else {
            return false;
        };
        let killed = Command::new("kill").args(["-s", "KILL", process.trim()]).status();
        killed.is_ok_and(|status| status.success())
    }

    /// Loses all that the keyring keeps.
    pub fn lose_keyring(&self) {
        self.end_keyring();
        let kept = self.folder.path().join(".local/share/keyrings");
        fs_err::remove_dir_all(kept).expect("the keyring has kept something");
    }

    /// Every byte that the keyring keeps on its disk.
    pub fn kept(&self) -> Vec<u8> {
        let kept = crate::tree::list(&self.folder.path().join(".local/share/keyrings")).into_values();
        kept.filter(|path| path.is_file()).flat_map(|path| fs_err::read(path).expect("it is there")).collect()
    }

    /// How many entries the keyring has.
    pub fn entries(&self) -> usize {
        let path = "/org/freedesktop/secrets/collection/login";
        let asked = ["string:org.freedesktop.Secret.Collection", "string:Items"];
        let said = self.ask("org.freedesktop.secrets", path, "org.freedesktop.DBus.Properties.Get", &asked);
        said.matches("object path").count()
    }

    /// The command as it runs in this session.
    #[must_use]
    pub fn around(&self, mut command: Command) -> Command {
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }

    fn ask_bus(&self, method: &str, arguments: &[&str]) -> String {
        let method = format!("org.freedesktop.DBus.{method}");
        self.ask("org.freedesktop.DBus", "/org/freedesktop/DBus", &method, arguments)
    }

    fn ask(&self, whom: &str, path: &str, method: &str, arguments: &[&str]) -> String {
        let mut command = self.around(Command::new("dbus-send"));
        command.args(["--session", "--print-reply", &format!("--dest={whom}"), path, method]).args(arguments);
        let asked = command.output().expect("dbus-send is installed");
        assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
        String::from_utf8_lossy(&asked.stdout).into_owned()
    }

    fn process_file(&self) -> PathBuf {
        self.folder.path().join("keyring.process")
    }
}

impl Default for Desktop {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        self.kill_keyring();
        self.bus.kill().ok();
        self.bus.wait().ok();
    }
}

/// Nothing of the person who runs the tests, and a home of its own.
fn in_session(command: &mut Command, home: &Path) {
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", home).env("XDG_RUNTIME_DIR", home);
}

/// The command as it runs where no bus is, whatever session the tests run in.
#[must_use]
pub fn outside(mut command: Command) -> Command {
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    command
}
