//! `init`: a first configuration, by a few questions or by options.
//!
//! What it will say is `config::draft`'s; it is checked like any other before it is written.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::questions::{Asker, interview};
use super::{Exit, Format, Session, USAGE, say};
use crate::base::text::{list, printable};
use crate::config::draft::{BY_ADDRESS, Draft, OFFERS, Offer, Told, UNION};
use crate::series::country;

/// Write a first configuration
///
/// On a terminal it asks a few questions. With --watch or --price it asks nothing: what no option says is left at its
/// default. What it writes is checked first, has comments, and holds no secret: it names variables, and you are told
/// which. A file that is there already is left alone without --force.
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub struct Args {
    /// Watch the trade in a good, by its code; may be repeated. `supplywatch codes search WORDS` finds codes
    #[arg(long, value_name = "CODE")]
    watch: Vec<String>,
    /// Watch a price of the World Bank, by its name there, such as Nickel; may be repeated
    #[arg(long, value_name = "NAME", conflicts_with_all = ["watch", "reporter", "partner", "flow", "feed"])]
    price: Vec<String>,
    /// The country that reports the trade, by name or code [default: DE, or the publisher's own]
    #[arg(long, value_name = "COUNTRY", requires = "watch")]
    reporter: Option<String>,
    /// A country that it trades with; may be repeated [default: every country]
    #[arg(long, value_name = "COUNTRY", requires = "watch")]
    partner: Vec<String>,
    /// Which way the goods go, as the reporter sees it
    #[arg(long, value_name = "WAY", value_parser = ["import", "export"], default_value = "import", requires = "watch")]
    flow: String,
    /// Whose figures: eurostat, comtrade, census, korea [default: eurostat for members of the Union, else comtrade]
    #[arg(long, value_name = "KIND", value_parser = offer, requires = "watch")]
    feed: Option<&'static Offer>,
    /// Tell this address by mail; may be repeated
    #[arg(long, value_name = "ADDRESS", requires = "relay")]
    email: Vec<String>,
    /// The mail relay's name
    #[arg(long, value_name = "HOST", requires = "email")]
    relay: Option<String>,
    /// The sender of mails [default: the first --email]
    #[arg(long, value_name = "ADDRESS", requires = "email")]
    from: Option<String>,
    /// The name by which to log in at the relay [default: no login]
    #[arg(long, value_name = "NAME", requires = "email")]
    username: Option<String>,
    /// Tell a webhook at this address, which is checked but not written
    #[arg(long, value_name = "URL", conflicts_with_all = ["email", "chat"])]
    webhook: Option<String>,
    /// Tell a chat tool: slack, teams, discord, mattermost, rocketchat, google-chat, feishu, dingtalk, wecom
    #[arg(long, value_name = "KIND", value_parser = BY_ADDRESS, conflicts_with = "email")]
    chat: Option<String>,
    /// Where it is written [default: what --config names, else config/supplywatch.toml]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

const HELP: &str = "\
Examples:
  supplywatch init
  supplywatch init --watch 85051110 --reporter Germany --partner CN --email desk@example.org --relay smtp.example.org
  supplywatch init --watch 8505110070 --feed census --partner China --chat slack
  supplywatch init --price Nickel --price Copper --output prices.toml

Other publishers (Chinese and Japanese customs, FRED, SDMX, RSS, your own files) have ready examples in config/feeds.";

/// Where a config is looked for first.
const OUTPUT: &str = "config/supplywatch.toml";

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let path = args.output.as_ref().or(session.config.as_ref()).cloned().unwrap_or_else(|| PathBuf::from(OUTPUT));
    let shown = printable(&path.display().to_string());
    if !args.force && path.try_exists().unwrap_or(true) {
        return Err(refused(&format!("{shown} is there already: name another file with --output, or give --force")));
    }
    let since = format!("{}-01", session.clock.now().utc().format("%Y").to_string().parse::<i32>()? - 2);
    let check = |draft: &Draft, address: Option<&str>| draft.check(&path, &session.environment, address);
    let draft = if !args.watch.is_empty() || !args.price.is_empty() {
        let draft = chosen(args, since);
        check(&draft, args.webhook.as_deref()).map_err(|why| refused(&format!("nothing was written: {why}")))?;
        draft
    } else if std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        say(&format!("A few questions, and {shown} is written. An empty answer takes what stands in brackets."));
        let mut asker = Asker { answers: std::io::stdin().lock(), screen: anstream::stderr() };
        interview(&mut asker, &first(since), &check).map_err(|why| refused(&why.to_string()))?
    } else {
        return Err(refused(
            "nobody can be asked: standard input is no terminal; say it by options, such as --watch 85051110 \
             --reporter DE --partner CN, or --price Nickel",
        ));
    };
    write(&path, &draft.text(), args.force)?;
    told(session, &path, &draft)
}

/// Ends the verb with a word about how it was called.
fn refused(why: &str) -> anyhow::Error {
    say(&format!("error: {why}"));
    Exit(USAGE).into()
}

/// What is asked about first, and what an empty answer to everything is.
fn first(since: String) -> Draft {
    Draft {
        offer: &OFFERS[0],
        goods: vec![OFFERS[0].example.into()],
        reporter: "DE".into(),
        partners: vec!["CN".into()],
        flow: "import".into(),
        since,
        told: Told::Console,
    }
}

/// What the options say.
fn chosen(args: &Args, since: String) -> Draft {
    let reporter = args.reporter.as_deref().map_or_else(|| "DE".to_owned(), country::canonical);
    let by_default = if UNION.contains(&reporter.as_str()) { "eurostat" } else { "comtrade" };
    let by_default = if args.price.is_empty() { by_default } else { "worldbank" };
    let told = match (args.email.first(), &args.relay, &args.chat) {
        (Some(first), Some(relay), _) => Told::Email {
            relay: relay.clone(),
            from: args.from.clone().unwrap_or_else(|| first.clone()),
            to: args.email.clone(),
            username: args.username.clone(),
        },
        (_, _, Some(kind)) => Told::Address { kind: kind.clone() },
        _ if args.webhook.is_some() => Told::Address { kind: "webhook".into() },
        _ => Told::Console,
    };
    Draft {
        offer: args.feed.or_else(|| OFFERS.iter().find(|offer| offer.kind == by_default)).unwrap_or(&OFFERS[0]),
        goods: if args.price.is_empty() { args.watch.clone() } else { args.price.clone() },
        reporter,
        partners: args.partner.iter().map(|partner| country::canonical(partner)).collect(),
        flow: args.flow.clone(),
        since,
        told,
    }
}

/// One of the publishers of trade, by its kind.
fn offer(kind: &str) -> Result<&'static Offer, String> {
    let mut trade = OFFERS.iter().filter(|offer| offer.trade.is_some());
    let known = list(OFFERS.iter().filter(|offer| offer.trade.is_some()).map(|offer| offer.kind));
    trade.find(|offer| offer.kind == kind).ok_or_else(|| format!("the kinds are {known}"))
}

/// Writes the file whole or not at all, and the folders above it.
fn write(path: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    let failed = |error: std::io::Error| anyhow::anyhow!("{} cannot be written: {error}", path.display());
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    if !force {
        let mut file = std::fs::File::create_new(path).map_err(failed)?;
        return file.write_all(text.as_bytes()).map_err(failed);
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, text).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)
}

/// Says what was written, and what to do next.
fn told(session: &Session, path: &Path, draft: &Draft) -> anyhow::Result<()> {
    let wanted = draft.wanted();
    if session.format == Format::Json {
        let variables: Vec<_> = wanted.iter().map(|one| json!({ "variable": one.variable, "is": one.is })).collect();
        return session.line(&json!({ "config": path, "variables": variables }));
    }
    let shown = printable(&path.display().to_string());
    let named = if path == Path::new(OUTPUT) { String::new() } else { format!(" --config {shown}") };
    let mut steps: Vec<(String, String)> =
        wanted.into_iter().map(|wanted| (format!("export {}='…'", wanted.variable), wanted.is)).collect();
    for (verb, does) in [
        ("check", "finds every mistake"),
        ("dry-run", "pulls the figures, and shows what would be sent"),
        ("run", "begins to watch; Ctrl-C ends it"),
    ] {
        steps.push((format!("supplywatch {verb}{named}"), does.to_owned()));
    }
    let width = steps.iter().map(|(step, _)| step.chars().count()).max().unwrap_or(0);
    let steps: Vec<String> = steps.into_iter().map(|(step, does)| format!("  {step:width$}  # {does}")).collect();
    session.print(&format!("{shown} is written. Next:\n{}", steps.join("\n")))
}
