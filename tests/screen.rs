//! Pictures of the screen, of a display that nobody looks at.
#![cfg(target_os = "linux")]

/// A display that nobody looks at, where the program for it is installed.
struct Display(std::process::Child, String);

impl Display {
    fn start() -> Option<Display> {
        use std::io::Read;
        use std::process::{Command, Stdio};

        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"]);
        let mut display = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let mut number = Vec::new();
        let mut from = display.stdout.take()?;
        let mut byte = [0];
        while from.read(&mut byte).is_ok_and(|read| read == 1) && byte[0] != b'\n' {
            number.push(byte[0]);
        }
        Some(Display(display, format!(":{}", String::from_utf8_lossy(&number))))
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_picture_of_the_screen_is_kept_stored_and_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let run = |display: Option<&str>| {
        let script =
            r#"let seen = robot.screenshot("as it is"); robot.download(seen.guid, "back.png"); print(seen.file)"#;
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pult"));
        command.args(["eval", "--sandbox", script]).current_dir(folder.path()).env_remove("DISPLAY");
        display.map(|display| command.env("DISPLAY", display));
        command.output().unwrap()
    };
    let refused = run(None);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("screen.none"), "{refused:?}");
    let Some(display) = Display::start() else {
        return eprintln!("skipped: there is no Xvfb on this computer");
    };
    let done = run(Some(&display.1));
    assert!(done.status.success(), "{done:?}");
    let kept = String::from_utf8(done.stdout).unwrap().lines().next().unwrap().to_owned();
    let (kept, back) = (std::fs::read(kept).unwrap(), std::fs::read(folder.path().join("back.png")).unwrap());
    assert!(kept == back && kept.starts_with(b"\x89PNG"), "{} bytes", kept.len());
    // Its width and height.
    assert_eq!(kept[16..24], [0, 0, 2, 128, 0, 0, 1, 224]);
}
