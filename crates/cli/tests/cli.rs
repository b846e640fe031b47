//! The binary as a person meets it before there is a server: help texts, refusals, exit codes, pipes.

#[cfg(test)]
mod tests {
    use std::process::{Command, Output, Stdio};

    use insta::assert_snapshot;
    use tempfile::TempDir;

    /// A process of the binary with no account, no environment of the person who runs the tests, and no terminal.
    fn anonicloud(state: &TempDir, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_anonicloud"));
        command.env_clear().env("HOME", state.path()).stdin(Stdio::null()).args(arguments);
        command
    }

    fn run(arguments: &[&str]) -> Output {
        let state = tempfile::tempdir().unwrap();
        anonicloud(&state, arguments).output().unwrap()
    }

    fn stdout(output: &Output) -> String {
        String::from_utf8(output.stdout.clone()).unwrap()
    }

    fn stderr(output: &Output) -> String {
        String::from_utf8(output.stderr.clone()).unwrap()
    }

    const COMMANDS: [&str; 28] = [
        "signup",
        "login",
        "logout",
        "whoami",
        "lock",
        "unlock",
        "put",
        "get",
        "ls",
        "tree",
        "find",
        "stat",
        "mkdir",
        "mv",
        "cp",
        "rm",
        "du",
        "watch",
        "quota",
        "check",
        "halt",
        "state-code",
        "reclaim",
        "status",
        "resume",
        "cancel",
        "completions",
        "man",
    ];

    #[test]
    fn the_reference_is_what_the_binary_says() {
        let mut reference = String::from("# anonicloud\n\n```text\n");
        let help = stdout(&run(&["--help"]));
        reference.push_str(&help);
        for command in COMMANDS {
            assert!(help.contains(&format!("\n  {command} ")), "{command} is not in the help text");
            let output = run(&[command, "--help"]);
            assert!(output.status.success());
            let text = stdout(&output);
            let section = ["```\n\n## anonicloud ", command, "\n\n```text\n", &text];
            reference.extend(section);
        }
        reference.push_str("```\n");
        assert_snapshot!("cli-reference", reference);
    }

    #[test]
    fn there_is_a_manual_page_for_every_command() {
        let folder = tempfile::tempdir().unwrap();
        let pages = folder.path().join("man1");
        assert!(run(&["man", pages.to_str().unwrap()]).status.success());
        for command in COMMANDS {
            let page = fs_err::read_to_string(pages.join(format!("anonicloud-{command}.1"))).unwrap();
            assert!(page.contains(".SH SYNOPSIS") && page.contains("Example"), "{command}: {page}");
        }
        let main = fs_err::read_to_string(pages.join("anonicloud.1")).unwrap();
        assert_eq!(main, stdout(&run(&["man"])));
        assert!(main.contains("anonicloud\\-put(1)"), "{main}");
    }

    #[test]
    fn nobody_is_signed_in() {
        for command in [&["whoami"][..], &["ls"], &["put", "a", "/a"], &["get", "/a"], &["status"], &["resume"]] {
            let output = run(command);
            assert_eq!(output.status.code(), Some(3), "{command:?}");
            assert!(stderr(&output).starts_with("error: "), "{command:?}");
            assert!(stderr(&output).contains("\n\nhint: "), "{command:?}");
            assert!(output.stdout.is_empty(), "{command:?}");
        }
    }

    #[test]
    fn refusals_for_programs_are_objects() {
        let output = run(&["whoami", "--json"]);
        let refusal: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(refusal["error"]["code"], "not_signed_in");
        assert!(refusal["error"]["message"].is_string());
        assert!(refusal["error"]["hint"].is_string());

        let output = run(&["ls", "relative", "--json"]);
        assert_eq!(output.status.code(), Some(2));
        let refusal: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(refusal["error"]["code"], "usage");
    }

    #[test]
    fn a_server_must_be_named_and_be_there() {
        let output = run(&["login", "--handle", "alice"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("--server"));

        let output = run(&["login", "--handle", "alice", "--server", "http://example.org"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("https"));
    }

    #[test]
    fn recovery_words_need_somebody_or_a_file() {
        let output = run(&["signup", "--handle", "alice", "--generate-password", "--server", "http://127.0.0.1:1"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("--recovery-file"));
    }

    #[test]
    fn a_reader_that_leaves_is_no_panic() {
        let state = tempfile::tempdir().unwrap();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = anonicloud(&state, &["completions", "bash"]).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(141));
        assert_eq!(stderr(&output), "");
    }

    #[test]
    fn completions_name_every_command() {
        for shell in ["bash", "zsh", "fish"] {
            let script = stdout(&run(&["completions", shell]));
            for command in COMMANDS {
                assert!(script.contains(command), "{shell} does not know {command}");
            }
        }
    }
}
