//! The README's five minutes, as a reader goes through them: every command is read from the page and run
//! as it stands, so that the page stays true.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use super::inbox::PATIENCE;
use super::markdown::{Piece, code, page, pieces, section};
use super::sandbox::{Ended, Sandbox, Signal};

/// The page's commands: the lines of its shell blocks, and the commands within its text, block by block.
fn steps() -> Vec<Vec<String>> {
    let readme = page("README.md");
    let lines = |piece: Piece| match piece {
        Piece::Block(language, text) if language == "sh" => text.lines().map(ToOwned::to_owned).collect(),
        Piece::Block(..) => Vec::new(),
        Piece::Text(text) => code(&text).into_iter().filter(|code| code.starts_with("sed -i ")).collect(),
    };
    let steps: Vec<Vec<String>> = pieces(section(&readme, "## Five minutes")).into_iter().map(lines).collect();
    steps.into_iter().filter(|step: &Vec<String>| !step.is_empty()).collect()
}

/// Runs a step's lines; what its last line said.
#[track_caller]
fn run(sandbox: &Sandbox, step: &[String]) -> Ended {
    let ended: Vec<Ended> = step.iter().map(|line| sandbox.shell(line)).collect();
    for line in &ended {
        line.is(0);
    }
    ended.into_iter().last().expect("a step has a line")
}

/// An address that nobody has, in the place of the one that the README names: another test may have that.
fn move_page(sandbox: &Sandbox) -> String {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let config = sandbox.read("config/supplywatch.toml");
    let moved = config.replace("#listen = \"127.0.0.1:9180\"", &format!("listen = \"{address}\""));
    assert_ne!(moved, config, "the shipped config says where the page is");
    sandbox.write("config/supplywatch.toml", moved);
    address
}

/// The page at an address, once it says this.
#[track_caller]
fn opened(address: &str, what: &str) -> String {
    let begun = Instant::now();
    loop {
        let mut answer = String::new();
        if let Ok(mut stream) = TcpStream::connect(address) {
            let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            stream.read_to_string(&mut answer).unwrap();
        }
        if answer.contains(what) {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "the page at {address} does not say {what:?}: {answer}");
        std::thread::yield_now();
    }
}

/// Runs the daemon's command, opens its page, and ends it as Ctrl-C does.
#[track_caller]
fn watch(sandbox: &Sandbox, step: &[String]) -> Ended {
    let [command] = step else { panic!("one command: {step:?}") };
    let address = move_page(sandbox);
    let process = sandbox.start_shell(&format!("exec {command}"));
    let page = opened(&address, "<h1>2 alerts fire: 1 critical, 1 warning</h1>");
    for told in ["HTTP/1.1 200 OK", "China → US", "420.5 t in September 2025, −28.7 %", "NdPr oxide price rose 11.1 %"]
    {
        assert!(page.contains(told), "{told}\n{page}");
    }
    process.signal(Signal::INT);
    let ended = process.end();
    ended.is(0).says(&[&format!("the page is at http://{address}/")]);
    ended
}

/// How many messages of a kind were printed.
#[track_caller]
fn printed(ended: &Ended, kind: &str, count: usize) {
    assert_eq!(ended.stdout.to_lowercase().matches(kind).count(), count, "{kind}\n{ended}");
}

#[test]
fn the_readme_does_what_it_says() {
    let steps = steps();
    let [first, again, resolve, anew, correct, put_back, look, replay] = &steps[..] else {
        panic!("the page has other steps than this test knows: {steps:#?}")
    };
    let sandbox = Sandbox::shipped();

    let fired = watch(&sandbox, first);
    fired.says(&["config: ", "config/supplywatch.toml"]);
    for told in ["China → US", "619 t", "590 t", "420.5 t", "−28.7 %", "declines >= 2", "2025-09", "September 2025"]
    {
        assert!(fired.stdout.contains(told), "{told}\n{fired}");
    }
    for told in ["NdPr oxide", "change(3mo) > 10%"] {
        assert!(fired.stdout.contains(told), "{told}\n{fired}");
    }

    let again = run(&sandbox, again);
    again.says(&["0 alerts changed, 0 messages delivered"]);
    assert_eq!(again.stdout, "", "{again}");

    let resolved = run(&sandbox, resolve);
    resolved.says(&["1 alert changed, 1 message delivered", "656 t", "October 2025"]);
    printed(&resolved, "resolved", 1);

    let anew = run(&sandbox, anew);
    anew.says(&["2 alerts changed, 2 messages delivered"]);
    assert!(!anew.stdout.contains("656"), "{anew}");

    let corrected = run(&sandbox, correct);
    corrected.says(&["1 alert changed, 1 message delivered", "420.5 t", "600 t", "−28.7 %"]);
    printed(&corrected, "corrected", 1);
    // What was said before is there word for word.
    let said = anew.stdout.lines().find_map(|line| line.find("China → US").map(|at| line[at..].trim())).unwrap();
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat(&corrected.stdout).contains(&flat(said)), "{said}\n{corrected}");

    let before = sandbox.contents();
    run(&sandbox, put_back);
    assert_eq!(sandbox.read("config/samples/china-magnet-exports.csv"), original());
    assert_ne!(sandbox.contents(), before);

    let state = sandbox.contents();
    let [dry_run, explain, check] = &look[..] else { panic!("three ways to look: {look:#?}") };
    let dry = sandbox.shell(dry_run);
    dry.is(0).says(&["would send to", "nothing was sent or stored", "420.5 t"]);
    sandbox.shell(explain).is(0).says(&["declines >= 2", "at September 2025", "600 t", "590 t"]);
    sandbox.shell(check).is(0).says(&["all is well"]);
    let replayed = run(&sandbox, replay);
    replayed.says(&["2025-10-20  2025-09  fired", "corrected"]);
    assert_eq!(sandbox.contents(), state, "looking has written something");
}

fn original() -> String {
    page("config/samples/china-magnet-exports.csv")
}

#[test]
fn dry_run_on_a_fresh_machine_shows_both_alerts_and_leaves_no_trace() {
    let sandbox = Sandbox::shipped();
    let before = sandbox.contents();
    for arguments in [&["dry-run"][..], &["run", "--dry-run"], &["run", "--once", "--dry-run"]] {
        let dry = sandbox.run(arguments);
        dry.is(0).says(&["−28.7 %", "NdPr oxide", "2 messages would be sent; nothing was sent or stored"]);
        assert_eq!(sandbox.contents(), before, "{arguments:?} has written something");
    }
}
