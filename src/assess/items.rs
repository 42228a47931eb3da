//! Rules that await items (`new`): what one look finds is told once, in one message.
//!
//! An item is an event, and nothing that comes later ends it. So such an alert is never left firing: each pull that
//! brings what the rule looks for is an episode of its own, which ends as it begins, and nobody is told of an end.
//! Which items are new follows from the last pull that the alert has seen, and so neither a restart nor an item that
//! is edited, moved or published again tells one twice.

use super::{Assessment, Sight, joined};
use crate::alert::{Alert, Cause, Condition, Kind, Transition};
use crate::outbox::{Matter, Message, Voice};
use crate::rule::{Judgement, Severity, judge};
use crate::series::{AsOf, KnownItem, PullId, View};

/// Takes an alert to the items that came since it was last assessed.
pub fn assess<'a>(sight: Sight<'a>, alert: &Alert) -> Assessment<'a> {
    let Sight { rule, history, until, now, .. } = sight;
    let all = rule.seen(history.view(AsOf::Pull(until)).at(now));
    let view = all.since(alert.seen);
    let has_news = view.new_items().next().is_some();
    let latest = view.latest();
    // Whoever looks when nothing has come sees what came last.
    let judgement = latest.map(|period| judge(rule, if has_news { &view } else { &all }, period));
    let told = judgement.as_ref().filter(|_| has_news).and_then(|judgement| Some((severity(judgement)?, judgement)));
    let matter = told.map(|(severity, judgement)| matter(sight, view, alert, severity, judgement));
    let told_plainly = |matter: &Matter<'_>| (matter.transition.clone(), Message::compose(matter, &Voice::default()));
    let transition = matter.as_ref().map(told_plainly);
    let after = Alert {
        number: transition.as_ref().map_or(alert.number, |(transition, _)| transition.number),
        episode: transition.as_ref().map_or(alert.episode, |(transition, _)| alert.episode.max(transition.episode)),
        assessed: alert.assessed.max(latest),
        seen: until,
        ..alert.clone()
    };
    let (told, changed) = (transition.is_some(), transition.is_some() || after != *alert);
    Assessment { alert: after, judgement, transition, matter, told, changed, rejudged: None }
}

/// How bad it is, where the rule found anything.
fn severity(judgement: &Judgement) -> Option<Severity> {
    match joined(None, judgement) {
        Condition::Holds(severity) if !judgement.items().is_empty() => Some(severity),
        Condition::Holds(_) | Condition::Fails | Condition::Unknown => None,
    }
}

fn matter<'a>(
    sight: Sight<'a>,
    view: View<'a>,
    alert: &Alert,
    severity: Severity,
    judgement: &Judgement,
) -> Matter<'a> {
    let items = judgement.items();
    let corrected: Vec<Option<&KnownItem>> = items.iter().map(|known| told_before(&view, alert.seen, known)).collect();
    // A correction belongs to what it corrects; together with something new, it is told beside it.
    let base = corrected.iter().copied().collect::<Option<Vec<&KnownItem>>>().and_then(|bases| bases.first().copied());
    let kind = if base.is_some() { Kind::Corrected } else { Kind::Fired };
    let newest = items.iter().map(|known| known.pull).max();
    let transition = Transition {
        rule: alert.rule.clone(),
        labels: alert.labels.clone(),
        number: alert.number + 1,
        episode: alert.episode + 1,
        kind,
        cause: if base.is_some() { Cause::Revised } else { Cause::Published },
        severity,
        period: Some(judgement.period),
        pull: newest,
        at: sight.now,
    };
    let thread = base.map(|base| base.pull).or(newest).map(|pull| format!("pull-{}", pull.0));
    Matter {
        transition,
        rule: Some(sight.rule),
        judgement: Some(judgement.clone()),
        view: Some(view),
        said: None,
        revisions: Vec::new(),
        rejudged: None,
        since: None,
        thread,
        zone: sight.zone,
    }
}

/// The item that another corrects, where it was known before.
fn told_before<'a>(view: &View<'a>, seen: PullId, known: &KnownItem) -> Option<&'a KnownItem> {
    view.corrected_by(known).filter(|base| base.pull <= seen)
}

#[cfg(test)]
mod tests {
    use super::super::assess;
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::period::{Frequency, Period};
    use crate::rule::{Expr, Level, Rule};
    use crate::series::{Finite, History, Item, Labels, Status, Unit, Vintage};

    /// Items as `pull id title`, with `corrects ID` at the end of some; a day for each pull.
    fn history(items: &str) -> History {
        let labels: Labels = [("feed", "notices")].into_iter().collect();
        let mut history = History::new(labels, Frequency::Day, Unit::parse("count").ok());
        let read = |line: &str| {
            let mut words = line.splitn(3, ' ');
            let (pull, id, title) =
                (words.next().unwrap().parse().unwrap(), words.next().unwrap(), words.next().unwrap());
            let (title, corrects) =
                title.split_once(" corrects ").map_or((title, None), |(title, id)| (title, Some(id.to_owned())));
            let day = Period::parse("2026-09-01").unwrap().offset(i32::try_from(pull).unwrap());
            let item = Item {
                id: id.to_owned(),
                title: title.to_owned(),
                url: None,
                summary: String::new(),
                day,
                tags: Vec::new(),
                corrects,
                effective: None,
                ends: None,
            };
            KnownItem { item, pull: PullId(pull), seen_at: Timestamp::from_millis(pull) }
        };
        let items: Vec<KnownItem> = items.lines().map(str::trim).filter(|line| !line.is_empty()).map(read).collect();
        for (at, known) in items.iter().enumerate() {
            let value = Finite::new(at as f64);
            let vintage = Vintage { value, status: Status::Final, recorded_at: known.seen_at, pull: known.pull };
            history.record(known.item.day.into(), vintage);
        }
        history.with_items(items.into())
    }

    const ITEMS: &str = "
        1 a Licences for gallium
        1 b Removal from a list
        2 c Rare earth magnets
        3 C1-a Licences for gallium corrects a
        4 d Gallium and germanium
        4 C1-c Rare earth magnets corrects c
        5 e Gallium oxide
        5 C1-e Gallium oxide corrects e";

    fn rule(when: &str) -> Rule {
        Rule { name: "rule".into(), when: vec![Expr::parse(when).unwrap()], ..Rule::default() }
    }

    /// What is told from pull to pull: the kind, the episode, the thread, the items.
    fn told(rule: &Rule, pulls: impl IntoIterator<Item = i64>, seen: i64) -> Vec<String> {
        let history = history(ITEMS);
        let mut alert = Alert::new("rule", history.labels().clone(), "", PullId(seen));
        let mut told = Vec::new();
        for pull in pulls {
            let (until, now) = (PullId(pull), Timestamp::from_millis(pull));
            let assessment = assess(Sight { rule, history: &history, until, now, zone: chrono_tz::UTC }, &alert);
            alert = assessment.alert;
            assert!(!alert.is_firing() && alert.held.is_none());
            let Some((transition, message)) = assessment.transition else { continue };
            let ids: Vec<&str> = message.items.iter().map(|item| item.id.as_str()).collect();
            let (kind, episode, severity) = (transition.kind, transition.episode, transition.severity);
            let thread = message.thread.unwrap_or_default();
            told.push(format!("{pull}: {kind} {severity} {episode} {thread} {}: {}", ids.join(" "), message.title));
        }
        told
    }

    #[test]
    fn each_item_is_told_once_and_a_correction_in_its_thread() {
        let gallium = rule("new('gallium')");
        insta::assert_snapshot!(told(&gallium, 1..6, 0).join("\n"), @"
        1: fired warning 1 pull-1 a: notices: Licences for gallium
        3: corrected warning 2 pull-1 C1-a: notices: correction: Licences for gallium
        4: fired warning 3 pull-4 d: notices: Gallium and germanium
        5: fired warning 4 pull-5 e C1-e: notices: Gallium oxide, and 1 more
        ");
        assert_eq!(told(&gallium, [1, 1, 1], 0).len(), 1);
        insta::assert_snapshot!(told(&gallium, [5], 0).join("\n"), @"5: fired warning 1 pull-5 e C1-e d C1-a a: notices: Gallium oxide, and 4 more");
        // What was there before the rule is not told, and its correction is.
        insta::assert_snapshot!(told(&gallium, [1, 2, 3], 1).join("\n"), @"3: corrected warning 1 pull-1 C1-a: notices: correction: Licences for gallium");
    }

    /// It is asked each day, whether or not anything came.
    #[test]
    fn each_end_that_comes_into_reach_reminds_once() {
        let mut items: Vec<KnownItem> = history(ITEMS).items().to_vec();
        for (at, day) in [(0, "2026-11-10"), (2, "2026-11-20")] {
            items[at].item.ends = Period::parse(day).ok();
        }
        let history = history(ITEMS).with_items(items.into());
        let rule = rule("ends_within(30d)");
        let mut alert = Alert::new("rule", history.labels().clone(), "", PullId(0));
        let mut told = Vec::new();
        let first = Timestamp::parse("2026-10-05T00:00:00Z").unwrap();
        for day in 0..60 {
            let now = first.plus(std::time::Duration::from_secs(day * 86_400));
            // On the way, pulls bring items that have no end.
            let until = PullId(2 + i64::try_from(day / 10).unwrap().min(3));
            let assessment = assess(Sight { rule: &rule, history: &history, until, now, zone: chrono_tz::UTC }, &alert);
            alert = assessment.alert;
            let Some((transition, message)) = assessment.transition.filter(|_| assessment.told) else { continue };
            told.push(format!("{} {}: {}", now.date(chrono_tz::UTC), transition.kind, message.title));
        }
        insta::assert_snapshot!(told.join("\n"), @"
        2026-10-11 fired: notices: ends on 10 November 2026: Licences for gallium
        2026-10-21 continued: notices: ends on 20 November 2026: Rare earth magnets, and 1 more
        2026-11-21 resolved: notices: `ends_within(30d)` no longer holds
        ");
    }

    /// A second item of a day makes its figure another, and corrects nothing.
    #[test]
    fn a_day_that_grows_is_no_revision() {
        let mut items: Vec<KnownItem> = history(ITEMS).items()[..3].to_vec();
        (items[1].item.ends, items[2].item.day) = (Period::parse("2026-10-10").ok(), items[0].item.day);
        items[2].item.ends = items[1].item.ends;
        items[1].item.ends = None;
        let mut history = History::new(history(ITEMS).labels().clone(), Frequency::Day, Unit::parse("count").ok());
        for (pull, count) in [(1, 2.0), (2, 3.0)] {
            let (value, recorded_at) = (Finite::new(count), Timestamp::from_millis(pull));
            let vintage = Vintage { value, status: Status::Final, recorded_at, pull: PullId(pull) };
            history.record(items[0].item.day.into(), vintage);
        }
        let history = history.with_items(items.into());
        let told = |when: &str| {
            let rule = rule(when);
            let mut alert = Alert::new("rule", history.labels().clone(), "", PullId(0));
            let mut told = Vec::new();
            for pull in 1..3 {
                let (until, now) = (PullId(pull), Timestamp::parse("2026-10-01T00:00:00Z").unwrap());
                let sight = Sight { rule: &rule, history: &history, until, now, zone: chrono_tz::UTC };
                let assessment = assess(sight, &alert);
                assert!(assessment.rejudged.is_none());
                alert = assessment.alert;
                told.extend(assessment.transition.map(|(transition, message)| {
                    assert!(message.revisions.is_empty());
                    format!("{pull}: {}: {}", transition.kind, message.title)
                }));
            }
            told.join("\n")
        };
        insta::assert_snapshot!(told("ends_within(30d)"), @"2: fired: notices: ends on 10 October 2026: Rare earth magnets");
        insta::assert_snapshot!(told("value >= 3 count"), @"2: fired: notices stood at or above 3 items: 3 items on 2 September 2026");
    }

    #[test]
    fn the_worst_severity_of_what_came_counts() {
        let worse =
            Level { severity: Severity::Critical, when: vec![Expr::parse("new('germanium')").unwrap()], clear: None };
        let both = Rule { worse: Some(worse), ..rule("new('gallium' or 'rare earth')") };
        insta::assert_snapshot!(told(&both, 1..6, 0).join("\n"), @"
        1: fired warning 1 pull-1 a: notices: Licences for gallium
        2: fired warning 2 pull-2 c: notices: Rare earth magnets
        3: corrected warning 3 pull-1 C1-a: notices: correction: Licences for gallium
        4: fired critical 4 pull-4 d C1-c: notices: Gallium and germanium, and 1 more
        5: fired warning 5 pull-5 e C1-e: notices: Gallium oxide, and 1 more
        ");
        assert_eq!(told(&rule("not new('nickel')"), 1..6, 0), Vec::<String>::new(), "nothing was found");
    }
}
