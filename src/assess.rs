//! History, rule, alert and now → what becomes of the alert: the one function that `run`, `dry-run`
//! and `explain` share.
//!
//! It is pure: where the history came from, and who is told, is not its business.

mod items;

use chrono_tz::Tz;

use crate::alert::{
    Alert, Cause, Change, Condition, Firing, Kind, Occasion, State, Transition, condition, step, worst,
};
use crate::base::clock::Timestamp;
use crate::outbox::{Matter, Message, Said, Voice};
use crate::period::Period;
use crate::rule::{self, Judgement, Rejudged, Renotify, Rule, Severity, Verdict, judge};
use crate::series::{AsOf, History, PullId, Revision, View};

/// What becomes of one alert.
#[derive(Clone, Debug)]
pub struct Assessment<'a> {
    /// The alert as it is now; `version` is still the one that was read.
    pub alert: Alert,
    /// What the rule says of the latest period; `None` while there is no figure.
    pub judgement: Option<Judgement>,
    /// The net change, if there is one, with its message.
    pub transition: Option<(Transition, Message)>,
    /// What that message is made of, for whoever is spoken to in another way.
    pub matter: Option<Matter<'a>>,
    /// Whether this transition is to be told: `renotify` may keep a continued one quiet.
    pub told: bool,
    /// Whether anything about the alert is to be stored.
    pub changed: bool,
    /// The past periods on which revisions changed the verdict.
    pub rejudged: Option<Rejudged>,
}

/// What a rule sees of one series at one moment.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// The series.
    pub history: &'a History,
    /// The feed's pull whose knowledge counts.
    pub until: PullId,
    /// The time.
    pub now: Timestamp,
    /// The publisher's zone: messages tell days by its calendar.
    pub zone: Tz,
}

/// Takes an alert through all that arrived since it was last assessed: first the revisions of what it
/// had seen, then every newer period in order. Only the net change is a transition.
pub fn assess<'a>(sight: Sight<'a>, alert: &Alert) -> Assessment<'a> {
    if sight.rule.awaits_items() {
        return items::assess(sight, alert);
    }
    let view = sight.rule.seen(sight.history.view(AsOf::Pull(sight.until)).at(sight.now));
    let mut walk = Walk::new(sight, view, alert);
    walk.older();
    walk.newer();
    walk.tick();
    walk.finish()
}

/// What would be told if the rule fired on the latest period, whether or not it does; `None` where there is no figure.
pub fn imagine(sight: Sight<'_>) -> Option<Matter<'_>> {
    let Sight { rule, history, until, now, zone } = sight;
    let view = rule.seen(history.view(AsOf::Pull(until)).at(now));
    let period = view.latest()?;
    let judgement = judge(rule, &view, period);
    let severity = match joined(None, &judgement) {
        Condition::Holds(severity) => severity,
        Condition::Fails | Condition::Unknown => rule.severity,
    };
    let transition = Transition {
        rule: rule.name.clone(),
        labels: history.labels().clone(),
        number: 1,
        episode: 1,
        kind: Kind::Fired,
        cause: Cause::Published,
        severity,
        period: Some(period),
        pull: Some(until),
        at: now,
    };
    Some(Matter {
        transition,
        rule: Some(rule),
        judgement: Some(judgement),
        view: Some(view),
        said: None,
        revisions: Vec::new(),
        rejudged: None,
        since: Some(period),
        thread: None,
        zone,
    })
}

/// On how many periods before the one that an alert was judged at last its rule says something else now, because
/// of the revisions that came since. They move no alert: `None` where there are none.
fn rejudged(sight: Sight<'_>, alert: &Alert) -> Option<Rejudged> {
    let assessed = alert.assessed.filter(|_| sight.history.items().is_empty())?;
    let view = |pull| sight.rule.seen(sight.history.view(AsOf::Pull(pull)).at(sight.now));
    let (before, now) = (view(alert.seen), view(sight.until));
    let revised = now.revised_since(alert.seen).into_iter();
    let news = revised.filter(|revision| is_news(revision, sight.rule.revision_tolerance));
    let first = news.map(|revision| revision.span.first()).min()?;
    rule::rejudged(sight.rule, &before, &now, first, assessed)
}

/// Ends an alert whose rule or series is gone; `None` where it does not fire.
pub fn lapse(alert: &Alert, cause: Cause, now: Timestamp) -> Option<(Alert, Transition, Message)> {
    let State::Firing(firing) = &alert.state else { return None };
    let transition = Transition {
        rule: alert.rule.clone(),
        labels: alert.labels.clone(),
        number: alert.number + 1,
        episode: alert.episode,
        kind: Kind::Lapsed,
        cause,
        severity: firing.severity,
        period: None,
        pull: None,
        at: now,
    };
    let said = Said::new(firing, chrono_tz::UTC);
    let matter = Matter {
        transition: transition.clone(),
        rule: None,
        judgement: None,
        view: None,
        said: Some(said),
        revisions: Vec::new(),
        rejudged: None,
        since: Some(firing.since),
        thread: None,
        zone: chrono_tz::UTC,
    };
    let message = Message::compose(&matter, &Voice::default());
    let ended =
        Alert { state: State::Ok, held: None, number: transition.number, rule_hash: String::new(), ..alert.clone() };
    Some((ended, transition, message))
}

/// An alert on its way through what arrived.
struct Walk<'a, 'b> {
    sight: Sight<'a>,
    view: View<'a>,
    before: &'b Alert,
    /// The severity while it fires, and the period since which it does.
    firing: Option<(Severity, Period)>,
    held: Option<String>,
    assessed: Option<Period>,
    /// Whether anything was judged.
    judged: bool,
    /// Whether that was for the time alone.
    ticked: bool,
    revisions: Vec<Revision>,
    /// The last change, with the judgement that brought it.
    last: Option<(Kind, Judgement)>,
    /// The last judgement that could be made.
    known: Option<Judgement>,
}

impl<'a, 'b> Walk<'a, 'b> {
    fn new(sight: Sight<'a>, view: View<'a>, before: &'b Alert) -> Self {
        let firing = match &before.state {
            State::Ok => None,
            State::Firing(firing) => Some((firing.severity, firing.since)),
        };
        let tolerance = sight.rule.revision_tolerance;
        let revised = view.revised_since(before.seen);
        let revisions = revised.into_iter().filter(|revision| is_news(revision, tolerance)).collect();
        let (held, assessed) = (before.held.clone(), before.assessed);
        Self {
            sight,
            view,
            before,
            firing,
            held,
            assessed,
            judged: false,
            ticked: false,
            revisions,
            last: None,
            known: None,
        }
    }

    /// Judges the period judged last again, where figures that it may have used changed.
    fn older(&mut self) {
        let Some(assessed) = self.assessed else { return };
        // A day's items become more; that takes back nothing that was said.
        let occasion = if self.counts_items() { Occasion::LateArrival } else { Occasion::Revision };
        if self.revisions.iter().any(|revision| revision.span.first() <= assessed) {
            self.judge(assessed, occasion);
        } else if self.arrived().any(|period| period <= assessed) {
            self.judge(assessed, Occasion::LateArrival);
        }
    }

    fn counts_items(&self) -> bool {
        !self.sight.history.items().is_empty()
    }

    /// Judges every newer period in order; a rule that meets a history looks at its latest period in any
    /// case, and at none that was there before.
    fn newer(&mut self) {
        let mut periods: Vec<Period> =
            self.arrived().filter(|period| self.assessed.is_none_or(|last| *period > last)).collect();
        if self.assessed.is_none() {
            periods.extend(self.view.latest());
        }
        periods.dedup();
        for period in periods {
            self.judge(period, Occasion::NewPeriod);
        }
    }

    /// What time alone brought about: where nothing else was judged, the period judged last is once more.
    fn tick(&mut self) {
        let Some(assessed) = self.assessed.filter(|_| !self.judged && self.sight.rule.uses_time()) else { return };
        self.ticked = true;
        self.judge(assessed, Occasion::Tick);
    }

    fn arrived(&self) -> impl Iterator<Item = Period> + use<> {
        self.view.arrived_since(self.before.seen).into_iter().map(|span| span.last())
    }

    fn judge(&mut self, period: Period, occasion: Occasion) {
        let rule = self.sight.rule;
        let judgement = judge(rule, &self.view, period);
        let firing = self.firing.map(|(severity, _)| severity);
        let condition = joined(firing, &judgement);
        let change = match step(firing, condition, occasion) {
            Change::Stay if self.is_about_more(&judgement) => {
                firing.map_or(Change::Stay, |severity| Change::GoOn(Kind::Continued, severity))
            }
            change => change,
        };
        self.judged = true;
        self.held = None;
        match change {
            Change::Stay => {}
            Change::Hold => self.held = Some(reasons(&judgement)),
            Change::Begin(kind, severity) => {
                self.firing = Some((severity, period));
                self.last = Some((kind, judgement.clone()));
            }
            Change::GoOn(kind, severity) => {
                self.firing = self.firing.map(|(_, since)| (severity, since));
                self.last = self.gone_on(kind, &judgement);
            }
            Change::End(kind) => {
                self.firing = None;
                self.last = Some((kind, judgement.clone()));
            }
        }
        if condition != Condition::Unknown {
            self.known = Some(judgement);
        }
        self.assessed = Some(period.max(self.assessed.unwrap_or(period)));
    }

    /// Whether a rule about items finds one that it did not when the alert was told last.
    fn is_about_more(&self, judgement: &Judgement) -> bool {
        let (rule, Some(was)) = (self.sight.rule, self.was()) else { return false };
        if !rule.is_of_items() {
            return false;
        }
        let then = rule.seen(self.sight.history.view(AsOf::Time(was.told_at)).at(was.told_at));
        let told = then.latest().map(|period| judge(rule, &then, period));
        let told = told.as_ref().map(Judgement::items).unwrap_or_default();
        judgement.items().iter().any(|known| !told.iter().any(|other| other.item.id == known.item.id))
    }

    /// Going on after a beginning in the same walk is still that beginning.
    fn gone_on(&mut self, kind: Kind, judgement: &Judgement) -> Option<(Kind, Judgement)> {
        match self.last.take() {
            Some((Kind::Corrected, at)) => Some((Kind::Corrected, at)),
            Some((Kind::Fired, _)) => Some((Kind::Fired, judgement.clone())),
            Some(_) | None => Some((kind, judgement.clone())),
        }
    }

    fn finish(self) -> Assessment<'a> {
        let net = self.net();
        let rejudged = rejudged(self.sight, self.before);
        let matter = net.map(|(kind, judgement)| self.matter(kind, judgement, rejudged));
        let told_plainly =
            |matter: &Matter<'_>| (matter.transition.clone(), Message::compose(matter, &Voice::default()));
        let transition = matter.as_ref().map(told_plainly);
        let judgement =
            self.assessed.or_else(|| self.view.latest()).map(|period| judge(self.sight.rule, &self.view, period));
        let is_news = |judgement: &Judgement| !self.sight.rule.is_of_items() || self.is_about_more(judgement);
        let told = transition
            .as_ref()
            .is_some_and(|(transition, _)| self.is_told(transition.kind, judgement.as_ref().is_none_or(is_news)));
        let alert = self.alert(transition.as_ref(), told);
        let changed = transition.is_some() || alert != *self.before;
        Assessment { alert, judgement, transition, matter, told, changed, rejudged }
    }

    /// What was firing before the walk.
    fn was(&self) -> Option<&'b Firing> {
        match &self.before.state {
            State::Ok => None,
            State::Firing(firing) => Some(firing),
        }
    }

    /// The net change: what a reader of the last message would be surprised by.
    fn net(&self) -> Option<(Kind, Judgement)> {
        let (kind, at) = self.last.clone()?;
        let latest = self.known.clone().unwrap_or_else(|| at.clone());
        match (self.before.is_firing(), self.firing.is_some()) {
            (false, false) => None,
            (false, true) | (true, false) if kind == Kind::Corrected => Some((kind, at)),
            (false, true) => Some((Kind::Fired, latest)),
            (true, false) => Some((Kind::Resolved, latest)),
            (true, true) => {
                let kind = match (self.was().map(|firing| firing.severity), self.firing) {
                    (Some(was), Some((now, _))) if now > was => Kind::Escalated,
                    (Some(was), Some((now, _))) if now < was => Kind::Eased,
                    _ => Kind::Continued,
                };
                Some((kind, latest))
            }
        }
    }

    fn matter(&self, kind: Kind, judgement: Judgement, rejudged: Option<Rejudged>) -> Matter<'a> {
        let opens = !self.before.is_firing();
        let was = self.was();
        let severity = self.firing.map(|(severity, _)| severity).or(was.map(|firing| firing.severity));
        let transition = Transition {
            rule: self.before.rule.clone(),
            labels: self.before.labels.clone(),
            number: self.before.number + 1,
            episode: self.before.episode + u32::from(opens),
            kind,
            cause: self.cause(kind),
            severity: severity.unwrap_or(self.sight.rule.severity),
            period: Some(judgement.period),
            pull: Some(self.sight.until),
            at: self.sight.now,
        };
        let closes = self.firing.is_none();
        let said = was.filter(|_| closes).map(|firing| Said::new(firing, self.sight.zone));
        Matter {
            transition,
            rule: Some(self.sight.rule),
            judgement: Some(judgement),
            view: Some(self.view),
            said,
            revisions: if self.counts_items() { Vec::new() } else { self.revisions.clone() },
            rejudged,
            since: self.firing.map(|(_, since)| since).or(was.map(|firing| firing.since)),
            thread: None,
            zone: self.sight.zone,
        }
    }

    fn cause(&self, kind: Kind) -> Cause {
        match kind {
            _ if self.ticked => Cause::TimePassed,
            Kind::Corrected => Cause::Revised,
            Kind::Fired if self.before.assessed.is_none() && self.arrived().next().is_none() => Cause::RuleAdded,
            Kind::Fired | Kind::Continued | Kind::Escalated | Kind::Eased | Kind::Resolved | Kind::Lapsed => {
                Cause::Published
            }
        }
    }

    /// Whether a change of a kind is told; one that goes on and brings no news is not.
    fn is_told(&self, kind: Kind, is_news: bool) -> bool {
        let State::Firing(firing) = &self.before.state else { return true };
        match (kind, self.sight.rule.renotify) {
            (Kind::Continued, Renotify::Never) => false,
            (Kind::Continued, _) if !is_news => false,
            (Kind::Continued, Renotify::After(length)) => {
                let today = self.sight.now.date(chrono_tz::UTC);
                length.before(today).is_none_or(|day| firing.told_at.date(chrono_tz::UTC) <= day)
            }
            (Kind::Continued, Renotify::EachPeriod)
            | (Kind::Fired | Kind::Escalated | Kind::Eased | Kind::Resolved | Kind::Corrected | Kind::Lapsed, _) => {
                true
            }
        }
    }

    /// The alert after the walk; whom it told is filled in by the plan.
    fn alert(&self, transition: Option<&(Transition, Message)>, told: bool) -> Alert {
        let state = match (self.firing, &self.before.state) {
            (None, _) => State::Ok,
            (Some((severity, since)), State::Firing(firing)) => {
                let told_at = if told { self.sight.now } else { firing.told_at };
                State::Firing(Firing { severity, since, told_at, ..firing.clone() })
            }
            (Some((severity, since)), State::Ok) => State::Firing(Firing {
                severity,
                since,
                said: transition.map(|(_, message)| message.title.clone()).unwrap_or_default(),
                said_at: self.sight.now,
                told_at: self.sight.now,
                receivers: Vec::new(),
                owed: Vec::new(),
            }),
        };
        Alert {
            state,
            held: self.held.clone(),
            number: transition.map_or(self.before.number, |(transition, _)| transition.number),
            episode: transition.map_or(self.before.episode, |(transition, _)| transition.episode),
            assessed: self.assessed,
            seen: self.sight.until,
            ..self.before.clone()
        }
    }
}

/// What a judgement says of an alert: each severity by its own conditions, the worst that holds.
fn joined(firing: Option<Severity>, judgement: &Judgement) -> Condition {
    let levels = judgement.levels.iter().enumerate().rev().map(|(index, level)| {
        // Whatever fires, fires at the mildest severity at least.
        let firing = firing.is_some_and(|now| index == 0 || now >= level.severity);
        (level.severity, condition(firing, &level.when, level.clear.as_ref(), level.severity))
    });
    worst(firing, levels)
}

fn is_news(revision: &Revision, tolerance: f64) -> bool {
    let (Some(before), Some(after)) = (revision.old, revision.new) else { return true };
    let (old, new) = (before.value, after.value);
    before.status != after.status || (new - old).abs() > tolerance * old.abs().max(new.abs())
}

/// Why a judgement is unknown, in words.
pub fn reasons(judgement: &Judgement) -> String {
    let gates = judgement.gates.iter().chain(&judgement.clear);
    let mut told: Vec<String> = Vec::new();
    for gate in gates {
        if let Verdict::Unknown(reasons) = &gate.verdict {
            told.extend(
                reasons.iter().map(ToString::to_string).filter(|reason| !told.contains(reason)).collect::<Vec<_>>(),
            );
        }
    }
    told.dedup();
    told.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::{Frequency, Span};
    use crate::rule::{Expr, Level, Severity};
    use crate::series::{Finite, Labels, Locale, Notation, Status, Unit, Vintage};

    /// An assessment that outlives its history.
    fn assess(sight: Sight<'_>, alert: &Alert) -> Assessment<'static> {
        let Assessment { alert, judgement, transition, told, changed, rejudged, .. } = super::assess(sight, alert);
        Assessment { alert, judgement, transition, matter: None, told, changed, rejudged }
    }

    fn rule(when: &str, clear: Option<&str>) -> Rule {
        Rule {
            name: "falling".into(),
            when: vec![Expr::parse(when).unwrap()],
            clear: clear.map(|clear| Expr::parse(clear).unwrap()),
            severity: Severity::Critical,
            notify: Some(vec!["desk".into()]),
            title: Some("magnet exports".into()),
            hash: "hash".into(),
            ..Rule::default()
        }
    }

    fn labels() -> Labels {
        [("feed", "magnets"), ("reporter", "CN"), ("partner", "US"), ("flow", "export")].into_iter().collect()
    }

    fn history() -> History {
        History::new(labels(), Frequency::Month, Some(Unit::parse("t").unwrap()))
    }

    fn now(pull: i64) -> Timestamp {
        Timestamp::parse("2025-01-20T00:00:00Z")
            .unwrap()
            .plus(std::time::Duration::from_secs(86_400 * 30 * pull.unsigned_abs()))
    }

    /// One pull: `2025-08=590 2025-09=420.5`; `2025-09=x` withdraws.
    fn publish(history: &mut History, pull: i64, figures: &str) {
        for figure in figures.split_whitespace() {
            let (span, value) = figure.split_once('=').unwrap();
            let value = (value != "x").then(|| Finite::new(value.parse().unwrap()).unwrap());
            let vintage = Vintage { value, status: Status::Final, recorded_at: now(pull), pull: PullId(pull) };
            history.record(Span::parse(span).unwrap(), vintage);
        }
    }

    /// Plays pulls, one a line: the figures, then `|`, then what becomes of the alert.
    ///
    /// What becomes of it: the transition's kind and period (`-` for none), then the state after it:
    /// `ok`, `firing SINCE`, and `held` where it is.
    #[track_caller]
    fn check(rule: &Rule, seen: i64, script: &str) -> Vec<Message> {
        let (mut history, mut alert, mut messages) =
            (history(), Alert::new("falling", labels(), "hash", PullId(seen)), Vec::new());
        for (index, line) in script.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
            let pull = index as i64 + 1;
            let (figures, expected) = line.split_once('|').unwrap();
            publish(&mut history, pull, figures);
            if pull <= seen {
                continue;
            }
            let sight = Sight { rule, history: &history, until: PullId(pull), now: now(pull), zone: chrono_tz::UTC };
            let assessment = assess(sight, &alert);
            assert_eq!(
                told(&assessment),
                expected.split_whitespace().collect::<Vec<_>>().join(" "),
                "pull {pull}: {line}"
            );
            alert = assessment.alert.clone();
            messages.extend(assessment.transition.map(|(_, message)| message));
            let again = assess(sight, &alert);
            assert!(again.transition.is_none() && !again.changed, "assessing pull {pull} twice says something new");
        }
        messages
    }

    fn told(assessment: &Assessment) -> String {
        let transition = assessment.transition.as_ref().map_or_else(
            || "-".to_owned(),
            |(transition, _)| {
                format!("{} {}", transition.kind, transition.period.map(|p| p.to_string()).unwrap_or_default())
            },
        );
        let state = match &assessment.alert.state {
            State::Ok => "ok".to_owned(),
            State::Firing(firing) => format!("firing {}", firing.since),
        };
        let held = if assessment.alert.held.is_some() { " held" } else { "" };
        format!("{transition} {state}{held}")
    }

    #[test]
    fn two_declines_fire_continue_and_resolve() {
        check(
            &rule("declines >= 2", None),
            0,
            "
            2025-07=619     | - ok held
            2025-08=590     | - ok held
            2025-09=420.5   | fired 2025-09 firing 2025-09
            2025-10=400     | continued 2025-10 firing 2025-09
            2025-11=656     | resolved 2025-11 ok
            2025-12=564     | - ok
        ",
        );
    }

    #[test]
    fn months_that_come_at_once_are_walked_in_order_and_told_once() {
        check(
            &rule("declines >= 2", None),
            0,
            "
            2025-06=353 2025-07=619 2025-08=590 2025-09=420.5 | fired 2025-09 firing 2025-09
            2025-10=400 2025-11=300                           | continued 2025-11 firing 2025-09
            2025-12=500 2026-01=600                           | resolved 2026-01 ok
            2026-02=500 2026-03=400 2026-04=700               | - ok
            2026-05=600 2026-06=500 2026-07=400               | fired 2026-07 firing 2026-06
        ",
        );
    }

    #[test]
    fn a_rule_that_meets_a_history_looks_at_its_latest_period_alone() {
        check(
            &rule("declines >= 2", None),
            1,
            "
            2025-06=353 2025-07=319 2025-08=290 2025-09=420.5 | -
            2025-10=400                                       | - ok
        ",
        );
        check(
            &rule("value > 100 t", Some("value < 50 t")),
            1,
            "
            2025-06=353 2025-07=70 | -
            2025-06=353            | - ok
        ",
        );
    }

    #[test]
    fn a_revision_corrects() {
        let messages = check(
            &rule("declines >= 2", None),
            0,
            "
            2025-06=353 2025-07=619 2025-08=590 2025-09=420.5 | fired 2025-09 firing 2025-09
            2025-09=600                                       | corrected 2025-09 ok
            2025-09=420.5                                     | corrected 2025-09 firing 2025-09
            2025-09=420.50000001                              | - firing 2025-09
            2025-07=620                                       | - firing 2025-09
        ",
        );
        let correction = &messages[1];
        assert_eq!(correction.said.as_ref().unwrap().title, messages[0].title);
        assert_eq!((correction.revisions[0].old.as_str(), correction.revisions[0].new.as_str()), ("420.5 t", "600 t"));
        assert_eq!(messages[2].said, None);
        assert_eq!(messages.iter().map(|message| message.alert.episode).collect::<Vec<_>>(), [1, 1, 2]);
        assert_eq!(messages.iter().map(|message| message.number).collect::<Vec<_>>(), [1, 2, 3]);
    }

    /// Only words change with the reader; what machines read does not.
    #[test]
    fn a_message_is_told_in_the_readers_locale_and_unit() {
        let steep = rule("value < 500 t and change < -20% and value < mean(2)", None);
        let mut history = history();
        publish(&mut history, 1, "2025-06=353 2025-07=619.25 2025-08=590 2025-09=420.5");
        let sight = Sight { rule: &steep, history: &history, until: PullId(1), now: now(1), zone: chrono_tz::UTC };
        let matter = imagine(sight).unwrap();
        let notation = Notation { locale: Locale::parse("de").ok(), units: vec![Unit::parse("kg").unwrap()] };
        let (voice, plain) = (Voice { chart: true, notation }, Voice { chart: true, ..Voice::default() });
        let (message, own) = (Message::compose(&matter, &voice), Message::compose(&matter, &plain));
        let rows = message.table.iter().map(|row| format!("{} {} {:?}", row.period, row.value, row.change));
        let gates = message.gates.iter().map(|gate| format!("{}: {}", gate.text, gate.value));
        let lines = [message.title.clone(), message.summary.clone()].into_iter().chain(gates).chain(rows);
        let told = lines.chain([message.chart.as_ref().unwrap().alt()]).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(told.replace('\u{a0}', "_"), @r#"
        China → US magnet exports stood below 500 t: 420.500 kg in September 2025, -28,7_%
        August 2025 590.000 kg, September 2025 420.500 kg. Known since 19 February 2025.
        value < 500 t and change < -20% and value < mean(2): value = 420.500 kg, change = -28,7_%, value = 420.500 kg, mean(2) = 505.250 kg
        2025-06 353.000 kg None
        2025-07 619.250 kg Some("+75,4\u{a0}%")
        2025-08 590.000 kg Some("-4,7\u{a0}%")
        2025-09 420.500 kg Some("-28,7\u{a0}%")
        China → US magnet exports: 420.500 kg in September 2025, -28,7_% from 590.000 kg in August 2025. Of 4 figures since June 2025, the lowest is 353.000 kg in June 2025, the highest 619.250 kg in July 2025. Firing since September 2025. Fires below 336.400 kg in 2025-10.
        "#);
        let values = |message: &Message| message.evidence.measures.iter().map(|line| line.value).collect::<Vec<_>>();
        assert_eq!((message.evidence.unit.as_deref(), values(&message)), (Some("t"), values(&own)));
        assert_eq!((&message.evidence.points, &message.rule_text), (&own.evidence.points, &own.rule_text));
        let kept = serde_json::to_string(&message).unwrap();
        assert_eq!(serde_json::from_str::<Message>(&kept).unwrap(), message);
    }

    #[test]
    fn a_revision_of_older_periods_alone_fires_nothing_and_is_counted() {
        let low = rule("value < 350 t", None);
        let mut history = history();
        publish(&mut history, 1, "2025-05=500 2025-06=300 2025-07=619 2025-08=590");
        fn sight<'a>(rule: &'a Rule, history: &'a History, pull: i64) -> Sight<'a> {
            Sight { rule, history, until: PullId(pull), now: now(pull), zone: chrono_tz::UTC }
        }
        let first = assess(sight(&low, &history, 1), &Alert::new("falling", labels(), "hash", PullId(0)));
        assert_eq!(rejudged(sight(&low, &history, 1), &first.alert), None, "nothing came since");
        publish(&mut history, 2, "2025-05=200 2025-06=400 2025-07=620");
        let counted = rejudged(sight(&low, &history, 2), &first.alert).map(|rejudged| rejudged.to_string());
        assert_eq!(counted.as_deref(), Some("2 past periods, from May 2025 to June 2025"));
        let second = assess(sight(&low, &history, 2), &first.alert);
        assert_eq!((told(&second).as_str(), second.alert.seen), ("- ok", PullId(2)));
        assert_eq!(rejudged(sight(&low, &history, 2), &second.alert), None, "once");
        // A message that goes out anyway says it too.
        publish(&mut history, 3, "2025-05=500 2025-09=100");
        let fired = assess(sight(&low, &history, 3), &second.alert).transition.unwrap().1;
        insta::assert_snapshot!(fired.summary, @"September 2025 100 t. Known since 20 April 2025. A revision changed the verdict on 1 past period, May 2025.");
    }

    #[test]
    fn a_revision_with_a_newer_period_is_told_by_its_net() {
        check(
            &rule("declines >= 2", None),
            0,
            "
            2025-07=619 2025-08=590 2025-09=420.5 | fired 2025-09 firing 2025-09
            2025-09=600 2025-10=656               | corrected 2025-09 ok
            2025-11=582 2025-12=564               | fired 2025-12 firing 2025-12
            2025-12=570 2026-01=500               | continued 2026-01 firing 2025-12
            2026-01=505 2026-02=600               | resolved 2026-02 ok
        ",
        );
    }

    #[test]
    fn a_gap_never_resolves_and_a_late_arrival_settles_it() {
        check(
            &rule("declines >= 2", None),
            0,
            "
            2025-07=619 2025-08=590 2025-09=420.5 | fired 2025-09 firing 2025-09
            2025-11=410                           | - firing 2025-09 held
            2025-12=420                           | resolved 2025-12 ok
            2026-02=400                           | - ok held
            2026-01=410                           | fired 2026-02 firing 2026-02
        ",
        );
    }

    #[test]
    fn a_withdrawn_figure_holds_the_alert_and_what_replaces_it_settles_it() {
        let messages = check(
            &rule("declines >= 2", None),
            0,
            "
            2025-07=619 2025-08=590 2025-09=420.5 | fired 2025-09 firing 2025-09
            2025-09=x                             | - firing 2025-09 held
            2025-09=600                           | corrected 2025-09 ok
            2025-08=x                             | - ok held
            2025-08=650 2025-09=x 2025-10=590     | - ok held
            2025-09=620                           | corrected 2025-10 firing 2025-10
        ",
        );
        insta::assert_snapshot!(messages[1].title, @"China → US magnet exports: `declines >= 2` no longer holds after a revision: September 2025 is now 600 t, was withdrawn before");
        let mut history = history();
        publish(&mut history, 1, "2025-07=619 2025-08=590 2025-09=420.5");
        publish(&mut history, 2, "2025-09=x");
        let rule = rule("declines >= 2", None);
        let sight =
            |pull| Sight { rule: &rule, history: &history, until: PullId(pull), now: now(pull), zone: chrono_tz::UTC };
        let fired = assess(sight(1), &Alert::new("falling", labels(), "hash", PullId(0))).alert;
        let held = assess(sight(2), &fired).alert.held;
        assert_eq!(held.as_deref(), Some("waiting for 2025-09, whose figure was withdrawn"));
    }

    #[test]
    fn a_withdrawal_that_settles_a_verdict_corrects() {
        let messages = check(
            &rule("value > 600 t or lag(1) > 500 t", None),
            0,
            "
            2025-08=400 2025-09=620 | fired 2025-09 firing 2025-09
            2025-08=510 2025-09=x   | - firing 2025-09
            2025-08=300 2025-09=5   | corrected 2025-09 ok
        ",
        );
        let told = |line: &crate::outbox::RevisionLine| format!("{} {} → {}", line.period, line.old, line.new);
        let told: Vec<String> = messages[1].revisions.iter().map(told).collect();
        assert_eq!(told, ["2025-08 510 t → 300 t", "2025-09 withdrawn → 5 t"]);
    }

    #[test]
    fn a_group_is_one_alert_whose_message_tells_its_parts() {
        let member = |partner: &str, figures: &[&str]| {
            let mut labels = labels();
            labels.set("partner", partner);
            let mut member = history().relabelled(labels);
            (1..).zip(figures).for_each(|(pull, figures)| publish(&mut member, pull, figures));
            member
        };
        let members = vec![
            member("CN", &["2025-07=60 2025-08=60", "", "2025-09=80", "2025-08=x"]),
            member("MY", &["2025-07=40 2025-08=40", "2025-09=20", ""]),
        ];
        let labels: Labels = [("hs", "85051110"), ("feed", "magnets")].into_iter().collect();
        let sum = crate::series::derive::group(labels.clone(), members).unwrap();
        let rule = rule("share(partner='CN') > 70%", None);
        let mut alert = Alert::new("falling", labels, "hash", PullId(0));
        let mut all = Vec::new();
        for pull in 1..=4 {
            let sight = Sight { rule: &rule, history: &sum, until: PullId(pull), now: now(pull), zone: chrono_tz::UTC };
            let assessment = assess(sight, &alert);
            all.push(told(&assessment));
            if let Some((_, message)) = &assessment.transition {
                insta::assert_snapshot!(message.title, @"magnet exports had China at 80 %: 100 t in September 2025");
                insta::assert_snapshot!(message.summary, @"September 2025 100 t. By parts: China 80 t (80 %), Malaysia 20 t (20 %). Known since 20 April 2025.");
                insta::assert_snapshot!(format!("{:?}", message.evidence.measures[0].parts), @r#"[PartLine { name: "China", value: 80.0, words: "80 t" }, PartLine { name: "Malaysia", value: 20.0, words: "20 t" }]"#);
                assert_eq!(message.table.last().unwrap().value, "100 t");
            }
            alert = assessment.alert;
        }
        assert_eq!(all, ["- ok", "- ok", "fired 2025-09 firing 2025-09", "- firing 2025-09"]);
    }

    #[test]
    fn hysteresis_holds_until_clear() {
        check(
            &rule("change(1) > 10%", Some("change(1) < -5%")),
            0,
            "
            2025-07=100 | - ok held
            2025-08=120 | fired 2025-08 firing 2025-08
            2025-09=121 | continued 2025-09 firing 2025-08
            2025-10=110 | resolved 2025-10 ok
            2025-11=111 | - ok
        ",
        );
    }

    /// A rule with a warning of two declines, and a critical of three that ends with a rise of a tenth.
    fn two_severities() -> Rule {
        let worse = Level {
            severity: Severity::Critical,
            when: vec![Expr::parse("declines >= 3").unwrap()],
            clear: Some(Expr::parse("change > 10%").unwrap()),
        };
        let clear = Some("change > 20%");
        Rule { severity: Severity::Warning, worse: Some(worse), ..rule("declines >= 2", clear) }
    }

    #[test]
    fn a_warning_escalates_and_eases_and_ends() {
        let messages = check(
            &two_severities(),
            0,
            "
            2025-05=653 2025-06=753 2025-07=619 | - ok
            2025-08=590                         | fired 2025-08 firing 2025-08
            2025-09=420.5                       | escalated 2025-09 firing 2025-08
            2025-10=430                         | continued 2025-10 firing 2025-08
            2025-11=480                         | eased 2025-11 firing 2025-08
            2025-12=490                         | continued 2025-12 firing 2025-08
            2026-02=400                         | - firing 2025-08 held
            2026-03=500                         | resolved 2026-03 ok
        ",
        );
        let severities: Vec<&str> = messages.iter().map(|message| message.severity.name()).collect();
        assert_eq!(severities, ["warning", "critical", "critical", "warning", "warning", "warning"]);
        insta::assert_snapshot!(messages[1].title, @r"China → US magnet exports fell for a 3rd month: 420.5 t in September 2025, −28.7 %");
        insta::assert_snapshot!(messages[1].clears.as_deref().unwrap(), @r"ends when `change > 20%` holds and `change > 10%` holds");
        let gates: Vec<String> = messages[1]
            .gates
            .iter()
            .map(|gate| format!("{:?} {} {} {}", gate.severity, gate.text, gate.verdict, gate.value))
            .collect();
        insta::assert_snapshot!(gates.join("\n"), @r"
        Some(Warning) declines >= 2 holds declines = 3
        Some(Critical) declines >= 3 holds declines = 3
        ");
        insta::assert_snapshot!(messages[1].rule_text, @r"warning: declines >= 2; critical: declines >= 3");
    }

    #[test]
    fn months_at_once_are_told_by_their_net_severity() {
        check(
            &two_severities(),
            0,
            "
            2025-05=653 2025-06=753 2025-07=619 2025-08=590 | fired 2025-08 firing 2025-08
            2025-09=420.5 2025-10=480                        | continued 2025-10 firing 2025-08
            2025-11=470 2025-12=460 2026-01=450              | escalated 2026-01 firing 2025-08
        ",
        );
    }

    #[test]
    fn preliminary_figures_are_not_looked_at() {
        let rule = Rule { final_only: true, ..rule("declines >= 2", None) };
        let mut history = history();
        publish(&mut history, 1, "2025-07=619 2025-08=590");
        let preliminary = |history: &mut History, at: &str, value: f64, pull: i64, status| {
            let value = Finite::new(value);
            let vintage = Vintage { value, status, recorded_at: now(pull), pull: PullId(pull) };
            history.record(Span::parse(at).unwrap(), vintage);
        };
        preliminary(&mut history, "2025-09", 420.5, 2, Status::Preliminary);
        let look = |history: &History, alert: &Alert, pull| {
            let sight = Sight { rule: &rule, history, until: PullId(pull), now: now(pull), zone: chrono_tz::UTC };
            assess(sight, alert)
        };
        let first = look(&history, &Alert::new("falling", labels(), "hash", PullId(0)), 2);
        assert_eq!((told(&first).as_str(), first.alert.assessed), ("- ok held", Period::parse("2025-08").ok()));
        preliminary(&mut history, "2025-09", 420.5, 3, Status::Final);
        let second = look(&history, &first.alert, 3);
        assert_eq!(told(&second), "fired 2025-09 firing 2025-09");
        let message = second.transition.unwrap().1;
        assert!(
            message.summary.ends_with("Preliminary and estimated figures are not looked at."),
            "{}",
            message.summary
        );
    }

    #[test]
    fn a_revision_within_the_rules_tolerance_is_no_news() {
        let coarse = Rule { revision_tolerance: 0.5, ..rule("declines >= 2", None) };
        check(
            &coarse,
            0,
            "
            2025-06=353 2025-07=619 2025-08=590 2025-09=420.5 | fired 2025-09 firing 2025-09
            2025-09=600                                       | - firing 2025-09
            2025-09=1500                                      | corrected 2025-09 ok
        ",
        );
        let none = Rule { revision_tolerance: 0.0, ..rule("value > 420.5 t", None) };
        check(
            &none,
            0,
            "
            2025-09=420.5       | - ok
            2025-09=420.5000001 | corrected 2025-09 firing 2025-09
        ",
        );
    }

    #[test]
    fn time_alone_fires_and_a_figure_ends_it() {
        let rule = Rule { renotify: Renotify::Never, ..rule("age > 45d", None) };
        let mut history = history();
        publish(&mut history, 1, "2025-01=619");
        let look = |history: &History, alert: &Alert, pull, at: &str| {
            let now = Timestamp::parse(&format!("{at}T00:00:00Z")).unwrap();
            assess(Sight { rule: &rule, history, until: PullId(pull), now, zone: chrono_tz::UTC }, alert)
        };
        let fresh = look(&history, &Alert::new("falling", labels(), "hash", PullId(0)), 1, "2025-03-18");
        assert_eq!(told(&fresh), "- ok");
        let old = look(&history, &fresh.alert, 1, "2025-03-19");
        assert_eq!(told(&old), "fired 2025-01 firing 2025-01");
        assert_eq!(old.transition.as_ref().unwrap().0.cause, Cause::TimePassed);
        insta::assert_snapshot!(old.transition.as_ref().unwrap().1.title, @r"China → US magnet exports had no newer figure for 46 days: 619 t in January 2025");
        let older = look(&history, &old.alert, 1, "2025-03-20");
        assert_eq!((told(&older).as_str(), older.changed), ("- firing 2025-01", false));
        publish(&mut history, 2, "2025-02=600");
        let ended = look(&history, &older.alert, 2, "2025-03-21");
        assert_eq!(told(&ended), "resolved 2025-02 ok");
        assert_eq!(ended.transition.unwrap().0.cause, Cause::Published);
    }

    /// An edited severity is no other rule: what fires goes on until it is cleared.
    #[test]
    fn an_alert_whose_severity_was_raised_escalates() {
        let mild = Rule { severity: Severity::Warning, ..rule("value < 300 t", Some("value > 500 t")) };
        let mut history = history();
        publish(&mut history, 1, "2025-07=200");
        fn sight<'a>(rule: &'a Rule, history: &'a History, pull: i64) -> Sight<'a> {
            Sight { rule, history, until: PullId(pull), now: now(pull), zone: chrono_tz::UTC }
        }
        let fired = assess(sight(&mild, &history, 1), &Alert::new("falling", labels(), "hash", PullId(0)));
        assert_eq!(told(&fired), "fired 2025-07 firing 2025-07");
        publish(&mut history, 2, "2025-08=400");
        let raised = Rule { severity: Severity::Critical, ..mild };
        assert_eq!(told(&assess(sight(&raised, &history, 2), &fired.alert)), "escalated 2025-08 firing 2025-07");
    }

    #[test]
    fn what_fires_until_it_is_clear_does_not_say_that_it_holds() {
        let rule = rule("change(1) > 10%", Some("change(1) < -5%"));
        let messages = check(
            &rule,
            0,
            "
            2025-07=100 | - ok held
            2025-08=120 | fired 2025-08 firing 2025-08
            2025-09=121 | continued 2025-09 firing 2025-08
        ",
        );
        insta::assert_snapshot!(messages[1].title, @"China → US magnet exports: still alarming until `change(1) < -5%` holds: 121 t in September 2025");
    }

    #[test]
    fn a_quiet_rule_records_what_it_does_not_tell() {
        let quiet = Rule { renotify: Renotify::Never, ..rule("declines >= 2", None) };
        let mut history = history();
        publish(&mut history, 1, "2025-07=619 2025-08=590 2025-09=420.5");
        fn sight<'a>(rule: &'a Rule, history: &'a History, pull: i64) -> Sight<'a> {
            Sight { rule, history, until: PullId(pull), now: now(pull), zone: chrono_tz::UTC }
        }
        let fired = assess(sight(&quiet, &history, 1), &Alert::new("falling", labels(), "hash", PullId(0)));
        assert!(fired.told);
        publish(&mut history, 2, "2025-10=400");
        let continued = assess(sight(&quiet, &history, 2), &fired.alert);
        assert_eq!(told(&continued), "continued 2025-10 firing 2025-09");
        assert!(!continued.told);
    }

    #[test]
    fn what_is_gone_lapses_once() {
        let mut history = history();
        publish(&mut history, 1, "2025-07=619 2025-08=590 2025-09=420.5");
        let rule = rule("declines >= 2", None);
        let sight = Sight { rule: &rule, history: &history, until: PullId(1), now: now(1), zone: chrono_tz::UTC };
        let fired = assess(sight, &Alert::new("falling", labels(), "hash", PullId(0)));
        let (ended, transition, message) = lapse(&fired.alert, Cause::RuleRemoved, now(2)).unwrap();
        assert_eq!((transition.kind, transition.number, transition.episode), (Kind::Lapsed, 2, 1));
        insta::assert_snapshot!(message.title, @"China → US exports: the alert ended because its rule was removed");
        assert!(lapse(&ended, Cause::RuleRemoved, now(3)).is_none());
    }

    #[test]
    fn the_message_says_what_where_how_much_since_when() {
        let messages = check(
            &rule("declines >= 2", None),
            0,
            "
            2025-06=353 2025-07=619 2025-08=590 2025-09=420.5 | fired 2025-09 firing 2025-09
            2025-09=600                                       | corrected 2025-09 ok
        ",
        );
        insta::assert_snapshot!(messages[0].title, @"China → US magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %");
        insta::assert_snapshot!(messages[0].summary, @"July 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 19 February 2025.");
        insta::assert_snapshot!(messages[1].title, @"China → US magnet exports: `declines >= 2` no longer holds after a revision: September 2025 is now 600 t, was 420.5 t");
        insta::assert_snapshot!(messages[1].summary, @"August 2025 590 t, September 2025 600 t. Known since 21 March 2025.");
        let rows: Vec<String> = messages[1]
            .table
            .iter()
            .map(|row| format!("{} {} {:?} {:?}", row.period, row.value, row.change, row.note))
            .collect();
        insta::assert_snapshot!(rows.join("\n"), @r#"
        2025-06 353 t None None
        2025-07 619 t Some("+75.4 %") None
        2025-08 590 t Some("−4.7 %") None
        2025-09 600 t Some("+1.7 %") Some("was 420.5 t until 21 March 2025")
        "#);
    }
}
