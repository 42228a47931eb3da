//! `run`: the daemon, or one round of it.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use serde_json::json;

use super::pulled::{notice_json, say_notices, say_pulled};
use super::{Exit, FAILED, FATAL, Format, Session, say};
use crate::base::error::Chain;
use crate::base::text::{counted, printable};
use crate::config::Setup;
use crate::daemon::{
    Context, Delivered, Evaluated, Evaluation, Notify, Pulled, Watch, deliver_all, evaluate_all, evaluate_pending,
    notices, pull_all, serve,
};
use crate::outbox::Next;
use crate::store::{Appended, Store};
use crate::web;

/// Pull feeds, judge rules and deliver messages: as a daemon, or once
///
/// Without `--once` it stays: it pulls each feed by its schedule, delivers what is owed, reloads its
/// configuration on SIGHUP, and on SIGTERM finishes the deliveries under way and ends.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Pull every feed now, whatever its schedule, deliver what is owed, and exit
    ///
    /// Exits with 0 when all of it worked, with 1 when a feed or a delivery failed.
    #[arg(long)]
    once: bool,
    /// Do all of it on a copy of the state: show every message as it would go out, send and store nothing
    #[arg(long)]
    dry_run: bool,
    /// Where the page is served in the place of `web.listen`, such as 127.0.0.1:9181; "" for nowhere
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "once", value_parser = listen)]
    listen: Option<Listen>,
}

/// Where the page is served; nowhere, where that is empty.
#[derive(Clone, Copy, Debug)]
struct Listen(Option<SocketAddr>);

/// Off loopback the config has to say who may look.
fn listen(text: &str) -> Result<Listen, String> {
    if text.is_empty() {
        return Ok(Listen(None));
    }
    let address: SocketAddr = text.parse().map_err(|_| "expected ADDRESS:PORT, such as 127.0.0.1:9181".to_owned())?;
    if address.ip().is_loopback() {
        Ok(Listen(Some(address)))
    } else {
        Err("only an address of this machine itself (127.0.0.1, [::1]); others are for `web.listen`, with a token"
            .to_owned())
    }
}

/// A setup as the command line has it.
fn adapt(setup: &mut Setup, session: &Session, args: &Args) {
    if session.format == Format::Json {
        setup.receivers.iter_mut().for_each(crate::notify::Receiver::write_json);
    }
    if let Some(Listen(listen)) = args.listen {
        setup.web.listen = listen;
    }
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    if args.dry_run {
        return super::dry_run::run(session, &super::dry_run::Args::default());
    }
    let mut setup = session.load()?;
    adapt(&mut setup, session, args);
    super::log::start(session, if args.once { "error" } else { "info" })?;
    // Before there are threads that look at the environment: what is handed over is taken out of it.
    let handed = if args.once { Vec::new() } else { web::handed(&session.environment) };
    super::runtime()?.block_on(async {
        let notify = notify(session, args);
        let opening = Store::open(&setup.state, session.clock.now());
        let store = notify.patiently("opening the state", opening).await?;
        let context = Context::new(store.clone(), session.clock.clone(), &setup)?;
        let ended = if args.once {
            once(session, &context, setup).await
        } else {
            stay(session, &context, setup, args, notify, handed).await
        };
        store.close().await?;
        ended
    })
}

/// The way to the service manager; one round is no service.
fn notify(session: &Session, args: &Args) -> Notify {
    let variable = |name: &str| session.environment.variable(name).filter(|_| !args.once);
    Notify::new(variable("NOTIFY_SOCKET"), variable("WATCHDOG_USEC"), variable("WATCHDOG_PID"))
}

/// One round: what was left over, every feed, what follows, every delivery.
async fn once(session: &Session, context: &Context, setup: Setup) -> anyhow::Result<()> {
    let setup = Arc::new(setup);
    let evaluation = Evaluation::new(context, &setup).await?;
    let mut evaluated = evaluate_all(&evaluation).await?;
    evaluated.extend(evaluate_pending(&evaluation).await?);
    let pulled = pull_all(context, &setup, |_| true).await?;
    evaluated.extend(evaluate_pending(&evaluation).await?);
    let data = Watch::default().look(context, &setup).await?;
    let delivered = deliver_all(context, &setup).await?;
    match session.format {
        Format::Text => report(&pulled, &evaluated, data.len(), &delivered),
        Format::Json => report_json(session, &pulled, &evaluated, &delivered)?,
    }
    let well = pulled.iter().all(Pulled::is_ok) && delivered.iter().all(|delivered| delivered.next == Next::Done);
    if well { Ok(()) } else { Err(Exit(FAILED).into()) }
}

/// What happened, for a person.
fn report(pulled: &[Pulled], evaluated: &Evaluated, data: usize, delivered: &[Delivered]) {
    say_pulled(pulled);
    say_notices(&notices(&evaluated.assessed));
    let changed = evaluated.transitions().count() + data;
    let sent = delivered.iter().filter(|delivered| delivered.next == Next::Done).count();
    say(&format!("{} changed, {} delivered", counted(changed, "alert"), counted(sent, "message")));
    for Delivered { receiver, title, outcome, next, .. } in delivered {
        let why = printable(outcome.why().unwrap_or("no reason given"));
        match next {
            Next::Done => {}
            Next::At(at) => {
                say(&format!("not delivered to {receiver}: {why}; tried again at {at}: {}", printable(title)))
            }
            Next::Held => say(&format!(
                "not delivered to {receiver}, which is disabled until the next run: {why}: {}",
                printable(title)
            )),
            Next::Dead => say(&format!("not delivered to {receiver}, given up: {why}: {}", printable(title))),
        }
    }
}

fn report_json(
    session: &Session,
    pulled: &[Pulled],
    evaluated: &Evaluated,
    delivered: &[Delivered],
) -> anyhow::Result<()> {
    for Pulled { feed, how, note, refused, refused_count, .. } in pulled {
        let Appended { new, revised, unchanged, items, .. } = how.appended();
        session.line(&json!({
            "type": "pull", "feed": feed, "outcome": how.outcome(), "new": new, "revised": revised,
            "unchanged": unchanged, "items": items, "refused": refused_count, "refusals": refused, "reason": how.reason(),
            "note": note,
        }))?;
    }
    notices(&evaluated.assessed).iter().try_for_each(|notice| session.line(&notice_json(notice)))?;
    for Delivered { id, rule, receiver, title, outcome, next } in delivered {
        let retry_at = match next {
            Next::At(at) => Some(at),
            Next::Done | Next::Held | Next::Dead => None,
        };
        session.line(&json!({
            "type": "delivery", "id": id, "rule": rule, "receiver": receiver, "title": title, "outcome": outcome.name(),
            "reason": outcome.why(), "dead": *next == Next::Dead, "retry_at": retry_at,
        }))?;
    }
    Ok(())
}

/// The daemon.
async fn stay(
    session: &Session,
    context: &Context,
    setup: Setup,
    args: &Args,
    notify: Notify,
    handed: Vec<TcpListener>,
) -> anyhow::Result<()> {
    let path = setup.path.clone();
    let reload = || {
        let loaded = crate::config::load(&path, &session.environment).map_err(|problems| problems.render(false))?;
        for warning in &loaded.warnings {
            tracing::warn!(warning = ?warning.render(false), "configuration warning");
        }
        let mut setup = loaded.setup;
        adapt(&mut setup, session, args);
        Ok(setup)
    };
    match serve(context.clone(), setup, notify, handed, reload).await {
        Ok(()) => Ok(()),
        Err(fatal) => {
            tracing::error!(error = %Chain(&fatal), "supplywatch cannot go on");
            Err(Exit(FATAL).into())
        }
    }
}
