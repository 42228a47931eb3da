//! `man`: the man pages, one for each verb, from the command line as it is; for those who make packages.
//!
//! They are of section 8: what runs a service and looks after it.

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::{Cli, EXIT_CODES, Session};

/// Write the man pages into a folder, one for each verb
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The folder; it is made where it is missing
    #[arg(value_name = "DIR")]
    into: PathBuf,
}

const SECTION: &str = "8";

/// What the environment says, as (name, meaning).
const ENVIRONMENT: [(&str, &str); 6] = [
    ("SUPPLYWATCH_CONFIG", "The configuration file, where --config does not name one."),
    ("SUPPLYWATCH_LOG", "What is logged, where --log does not say it."),
    (
        "STATE_DIRECTORY",
        "The folder of the state, where the configuration does not name it; the service manager sets it.",
    ),
    (
        "RUNTIME_DIRECTORY",
        "The folder of the socket, where the configuration does not name it; the service manager sets it.",
    ),
    (
        "CREDENTIALS_DIRECTORY",
        "The folder with the files that { credential = \"NAME\" } means; the service manager sets it.",
    ),
    ("USER", "Who silences or acknowledges, where --by does not say it."),
];

/// Where things are when the service manager runs it, as (path, meaning).
const FILES: [(&str, &str); 6] = [
    ("/etc/supplywatch/supplywatch.toml", "The configuration."),
    ("/etc/supplywatch/credentials", "Secrets that drop-ins of the service name, for root alone."),
    ("/var/lib/supplywatch/supplywatch.db", "The state: figures, alerts and what is owed."),
    ("/run/supplywatch/supplywatch.sock", "The socket by which the command line reaches the daemon."),
    (
        "/usr/share/supplywatch",
        "The watch list, ready feeds and rules, rules and a dashboard for Prometheus and Grafana.",
    ),
    ("/usr/share/doc/supplywatch", "Every option explained, and how to operate it."),
];

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    fs::create_dir_all(&args.into)?;
    for (name, page) in pages()? {
        let path = args.into.join(name);
        fs::write(&path, page)?;
        session.print(&path.display().to_string())?;
    }
    Ok(())
}

/// Every page with its file's name.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    write(&program, None, &mut pages)?;
    Ok(pages)
}

/// The page of a verb, and those of the verbs below it.
fn write(verb: &Command, above: Option<&Command>, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    pages.push((format!("{}.{SECTION}", title(verb)), page(verb, above)?));
    shown(verb).try_for_each(|below| write(below, Some(verb), pages))
}

fn page(verb: &Command, above: Option<&Command>) -> io::Result<Vec<u8>> {
    let version = concat!("supplywatch ", env!("CARGO_PKG_VERSION"));
    // The version stands where others have a date: a page is as old as its program.
    let man = Man::new(verb.clone()).section(SECTION).date(version).source("");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if shown(verb).next().is_some() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut roff = Roff::new();
    match above {
        None => {
            let codes: Vec<(String, &str)> = EXIT_CODES.map(|(code, meaning)| (code.to_string(), meaning)).into();
            list(&mut roff, "EXIT STATUS", &codes);
            list(&mut roff, "ENVIRONMENT", &ENVIRONMENT);
            list(&mut roff, "FILES", &FILES);
        }
        Some(_) => notes(&mut roff, verb),
    }
    see_also(&mut roff, verb, above);
    roff.to_writer(&mut page)?;
    Ok(page)
}

/// A section of terms and what they mean.
fn list<T: AsRef<str>>(roff: &mut Roff, heading: &str, terms: &[(T, &str)]) {
    roff.control("SH", [heading]);
    for (term, meaning) in terms {
        roff.control("TP", []).text([bold(term.as_ref())]).text([roman(*meaning)]);
    }
}

/// What the help says at its end, line by line: there are examples in it.
fn notes(roff: &mut Roff, verb: &Command) {
    let Some(text) = verb.get_after_long_help().or_else(|| verb.get_after_help()) else { return };
    roff.control("SH", ["NOTES"]);
    for line in text.to_string().lines() {
        match line.strip_prefix("  ") {
            Some(example) => roff.control("RS", ["4"]).control("nf", []).text([roman(example)]).control("fi", []),
            None if line.is_empty() => roff.control("PP", []),
            None => roff.text([roman(line)]),
        };
        if line.starts_with("  ") {
            roff.control("RE", []);
        }
    }
}

/// The pages of the verb above and of those below; for the program, of those who run it.
fn see_also(roff: &mut Roff, verb: &Command, above: Option<&Command>) {
    let below = shown(verb).map(|below| (title(below), SECTION));
    let others: Vec<(String, &str)> = match above {
        Some(above) => [(title(above), SECTION)].into_iter().chain(below).collect(),
        None => {
            let managers = [("systemctl", "1"), ("journalctl", "1"), ("systemd.exec", "5")];
            below.chain(managers.map(|(name, section)| (name.to_owned(), section))).collect()
        }
    };
    roff.control("SH", ["SEE ALSO"]);
    for (index, (name, section)) in others.iter().enumerate() {
        let comma = if index + 1 < others.len() { "," } else { "" };
        roff.text([bold(name.as_str()), roman(format!("({section}){comma}"))]);
    }
}

/// The verbs below a verb that its help shows.
fn shown(verb: &Command) -> impl Iterator<Item = &Command> {
    verb.get_subcommands().filter(|below| !below.is_hide_set())
}

/// The name of a verb's page, such as `supplywatch-feeds-probe`.
fn title(verb: &Command) -> String {
    verb.get_display_name().unwrap_or_else(|| verb.get_name()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page as text.
    #[track_caller]
    fn page(name: &str) -> String {
        let mut pages = pages().unwrap().into_iter();
        let (_, page) = pages.find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name}"));
        String::from_utf8(page).unwrap()
    }

    /// A section of a page.
    #[track_caller]
    fn section<'a>(page: &'a str, heading: &str) -> &'a str {
        let (_, rest) =
            page.split_once(&format!("\n.SH {heading}\n")).unwrap_or_else(|| panic!("no {heading}: {page}"));
        rest.split("\n.SH ").next().unwrap()
    }

    #[test]
    fn every_verb_that_is_shown_has_a_page() {
        let names: Vec<String> = pages().unwrap().into_iter().map(|(name, _)| name).collect();
        for name in ["supplywatch.8", "supplywatch-run.8", "supplywatch-dry-run.8", "supplywatch-codes-country.8"] {
            assert!(names.iter().any(|known| known == name), "no {name}: {names:?}");
        }
        assert!(!names.iter().any(|name| name.contains("-man.") || name.contains("help")), "{names:?}");
    }

    #[test]
    fn the_first_page_says_how_it_ends_and_where_things_are() {
        let page = page("supplywatch.8");
        assert!(page.contains(&format!(".TH supplywatch 8 \"supplywatch {}\"", env!("CARGO_PKG_VERSION"))), "{page}");
        let codes = section(&page, "\"EXIT STATUS\"");
        assert!(
            EXIT_CODES.iter().all(|(code, meaning)| codes.contains(&format!("\\fB{code}\\fR\n{meaning}"))),
            "{codes}"
        );
        assert!(section(&page, "ENVIRONMENT").contains("SUPPLYWATCH_CONFIG"));
        assert!(section(&page, "FILES").contains("/etc/supplywatch/supplywatch.toml"));
        let others = section(&page, "\"SEE ALSO\"");
        assert!(["supplywatch\\-run", "supplywatch\\-codes", "systemctl"].iter().all(|name| others.contains(name)));
    }

    #[test]
    fn a_verbs_page_leads_up_and_down_and_keeps_its_examples_lines() {
        let page = page("supplywatch-codes.8");
        let others = section(&page, "\"SEE ALSO\"");
        assert_eq!(
            others,
            "\\fBsupplywatch\\fR(8),\n\\fBsupplywatch\\-codes\\-search\\fR(8),\n\\fBsupplywatch\\-codes\\-country\\fR(8)\n"
        );
        let notes = section(&page, "NOTES");
        assert!(notes.contains(".nf\nsupplywatch codes search 8505.11\n.fi"), "{notes}");
    }
}
