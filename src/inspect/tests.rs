//! What there is to see of a small world.

use super::backtest::{Question, backtest};
use super::explain::{Look, explain};
use super::feeds::{feed, feeds};
use super::meant::label;
use super::rules::{rule, rules};
use super::series::{Case, Search, search};
use super::testing::{World, feed_table, rule_table};
use super::{Holdings, Page, Unanswered};
use crate::base::moment;

const FALLING: &str = "when = [\"declines >= 2\", \"value < 500 t\"]\nclear = \"rises >= 1\"";

async fn world() -> World {
    let config = feed_table("magnets", "month")
        + &feed_table("oxides", "month")
        + "[series.ratio]\nvalue = \"magnets / oxides\"\nby = [\"partner\"]\n\
           from = { magnets = { feed = \"magnets\" }, oxides = { feed = \"oxides\" } }\n"
        + &rule_table("falling", "magnets", FALLING);
    let mut world = World::new(&config).await;
    world.pull("magnets", "US 2025-07=619 2025-08=590 2025-09=430; DE 2025-07=700 2025-08=640 2025-09=600").await;
    world.pull("magnets", "US 2025-09=420.5; FR 2025-07=10 2025-09=9; PL 2025-08=500 2025-09=505").await;
    world.pull("oxides", "US 2025-09=841").await;
    world.assess().await;
    world
}

/// A value as the API tells it.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

fn labels(partner: &str) -> Vec<(String, String)> {
    vec![("partner".to_owned(), partner.to_owned())]
}

fn all(text: &str, labels: &[&str]) -> Search {
    let labels = labels.iter().map(|text| label(text).unwrap()).collect();
    Search { text: text.to_owned(), labels, page: Page::ALL }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one value, whole")]
async fn an_explanation_tells_gates_figures_and_what_they_were() {
    let world = world().await;
    let explained = explain(world.inspection(), "falling", &labels("US"), Look::default()).await.unwrap();
    let [us] = &explained.explanations[..] else { panic!("{explained:?}") };
    insta::assert_snapshot!(json(us), @r#"
    {
      "rule": "falling",
      "labels": {
        "feed": "magnets",
        "partner": "US"
      },
      "alert": "019d43a74ce54cd5",
      "period": "2025-09",
      "latest": "2025-09",
      "asOf": null,
      "verdict": "holds",
      "missing": [],
      "gates": [
        {
          "severity": null,
          "text": "declines >= 2",
          "verdict": "holds",
          "reading": {
            "text": "declines >= 2",
            "value": "holds",
            "figures": [],
            "items": [],
            "parts": [
              {
                "text": "declines",
                "value": "at least 2",
                "figures": [
                  {
                    "period": "2025-07",
                    "value": 619.0,
                    "status": "final",
                    "recordedAt": "2026-01-21T09:00:01Z",
                    "pull": 1,
                    "earlier": []
                  },
                  {
                    "period": "2025-08",
                    "value": 590.0,
                    "status": "final",
                    "recordedAt": "2026-01-21T09:00:01Z",
                    "pull": 1,
                    "earlier": []
                  },
                  {
                    "period": "2025-09",
                    "value": 420.5,
                    "status": "final",
                    "recordedAt": "2026-01-22T09:01:01Z",
                    "pull": 2,
                    "earlier": [
                      {
                        "value": 430.0,
                        "status": "final",
                        "recordedAt": "2026-01-21T09:00:01Z",
                        "until": "2026-01-22T09:01:01Z"
                      }
                    ]
                  }
                ],
                "items": [],
                "parts": []
              }
            ]
          },
          "nearness": {
            "period": "2025-09",
            "now": 420.5,
            "thresholds": [
              {
                "fires": "below",
                "value": 590.0
              }
            ],
            "inWords": "holds below 590 t, now 420.5 t"
          }
        },
        {
          "severity": null,
          "text": "value < 500 t",
          "verdict": "holds",
          "reading": {
            "text": "value < 500 t",
            "value": "holds",
            "figures": [],
            "items": [],
            "parts": [
              {
                "text": "value",
                "value": "420.5 t",
                "figures": [
                  {
                    "period": "2025-09",
                    "value": 420.5,
                    "status": "final",
                    "recordedAt": "2026-01-22T09:01:01Z",
                    "pull": 2,
                    "earlier": [
                      {
                        "value": 430.0,
                        "status": "final",
                        "recordedAt": "2026-01-21T09:00:01Z",
                        "until": "2026-01-22T09:01:01Z"
                      }
                    ]
                  }
                ],
                "items": [],
                "parts": []
              }
            ]
          },
          "nearness": {
            "period": "2025-09",
            "now": 420.5,
            "thresholds": [
              {
                "fires": "below",
                "value": 500.0
              }
            ],
            "inWords": "holds below 500 t, now 420.5 t"
          }
        }
      ],
      "clears": [
        {
          "severity": null,
          "text": "rises >= 1",
          "verdict": "fails",
          "reading": {
            "text": "rises >= 1",
            "value": "fails",
            "figures": [],
            "items": [],
            "parts": [
              {
                "text": "rises",
                "value": "0",
                "figures": [
                  {
                    "period": "2025-08",
                    "value": 590.0,
                    "status": "final",
                    "recordedAt": "2026-01-21T09:00:01Z",
                    "pull": 1,
                    "earlier": []
                  },
                  {
                    "period": "2025-09",
                    "value": 420.5,
                    "status": "final",
                    "recordedAt": "2026-01-22T09:01:01Z",
                    "pull": 2,
                    "earlier": [
                      {
                        "value": 430.0,
                        "status": "final",
                        "recordedAt": "2026-01-21T09:00:01Z",
                        "until": "2026-01-22T09:01:01Z"
                      }
                    ]
                  }
                ],
                "items": [],
                "parts": []
              }
            ]
          },
          "nearness": null
        }
      ],
      "levels": [
        {
          "severity": null,
          "gates": 2,
          "hold": 2,
          "nearness": {
            "period": "2025-09",
            "now": 420.5,
            "thresholds": [
              {
                "fires": "below",
                "value": 500.0
              }
            ],
            "inWords": "fires below 500 t, now 420.5 t"
          },
          "inWords": "2 of 2 gates hold; fires below 500 t, now 420.5 t"
        }
      ],
      "held": null,
      "suppressed": [],
      "keptBack": [],
      "keptQuiet": 0,
      "notLookedAt": [],
      "unit": "t",
      "receivers": [
        "desk"
      ],
      "sources": [
        {
          "pull": 1,
          "feed": "magnets",
          "url": "https://magnets.example/",
          "retrievedAt": "2026-01-21T09:00:01Z",
          "sha256": "hash at 2026-01-21T09:00:00Z"
        },
        {
          "pull": 2,
          "feed": "magnets",
          "url": "https://magnets.example/",
          "retrievedAt": "2026-01-22T09:01:01Z",
          "sha256": "hash at 2026-01-22T09:01:00Z"
        }
      ],
      "hash": "16823af935b9fe1e8afa25b1b23a268da15987ed71dca807fda690809adff8ec"
    }
    "#);
}

#[tokio::test]
async fn what_cannot_be_explained_says_why() {
    let world = world().await;
    let ask = async |rule: &str, labels: &[(String, String)], look| {
        explain(world.inspection(), rule, labels, look).await.unwrap_err()
    };
    let unknown = ask("faling", &[], Look::default()).await;
    assert!(matches!(unknown, Unanswered::Unknown(_)));
    assert_eq!(unknown.to_string(), "there is no rule `faling`; did you mean `falling`?");
    let label = ask("falling", &labels("UK"), Look::default()).await;
    assert_eq!(
        label.to_string(),
        "none of the 4 series of rule falling has these labels: none is in `UK`; there is `DE`, `FR`, `PL` and `US`"
    );
    let quarter = Look { period: Some(crate::period::Period::parse("2025-Q3").unwrap()), as_of: None };
    assert!(matches!(ask("falling", &labels("US"), quarter).await, Unanswered::Invalid(_)));
    let early = Look { period: None, as_of: Some(moment::read("1999-01-01").unwrap()) };
    let then = explain(world.inspection(), "falling", &labels("US"), early).await.unwrap();
    assert_eq!(then.unexplained[0].reason, r#"nothing was known of {feed="magnets", partner="US"} then"#);
}

#[tokio::test]
async fn the_series_of_a_rule_stand_by_how_near_they_are() {
    let world = world().await;
    let detail = rule(world.inspection(), "falling", &[]).await.unwrap();
    let told: Vec<String> = detail
        .series
        .iter()
        .map(|judged| {
            let partner = judged.labels.value("partner").unwrap();
            let near: Vec<&str> = judged.levels.iter().map(|level| level.in_words.as_str()).collect();
            let state = judged.firing.map_or_else(String::new, |severity| format!(" {severity}"));
            format!("{partner} {}{state}: {} {}", judged.verdict.name(), near.join(", "), judged.missing.join(", "))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    US holds warning: 2 of 2 gates hold; fires below 500 t, now 420.5 t 
    DE fails: 1 of 2 gates hold; fires below 500 t, now 600 t 
    FR unknown: 1 of 2 gates hold; neither the figure of 2025-09 nor the next alone changes it waiting for 2025-08
    PL fails: 0 of 2 gates hold; neither the figure of 2025-09 nor the next alone changes it
    ");
    assert_eq!((detail.summary.matched, detail.summary.firing, detail.summary.held, detail.left_out), (4, 1, 1, 0));
    assert_eq!((detail.verdicts.holds, detail.verdicts.fails, detail.verdicts.unknown), (1, 2, 1));
    let measures: Vec<String> =
        detail.measures.iter().map(|words| format!("{}: {}", words.written, words.meaning)).collect();
    insta::assert_snapshot!(measures.join("\n"), @"
    declines(tol): for how many periods in a row the figure fell (rose) by more than tol, which is 0% where you leave it out
    value: the figure
    rises(tol): for how many periods in a row the figure fell (rose) by more than tol, which is 0% where you leave it out
    ");
    assert_eq!(detail.written.as_deref(), Some(rule_table("falling", "magnets", FALLING).trim_end()));
    let one = rule(world.inspection(), "falling", &labels("DE")).await.unwrap();
    assert_eq!(one.series.len(), 1);
    let summaries = rules(world.inspection()).await.unwrap();
    insta::assert_snapshot!(json(&summaries), @r#"
    [
      {
        "name": "falling",
        "title": null,
        "when": "declines >= 2 and value < 500 t",
        "ends": "`rises >= 1` holds",
        "levels": [
          {
            "severity": "warning",
            "when": [
              "declines >= 2",
              "value < 500 t"
            ],
            "clear": "rises >= 1"
          }
        ],
        "groupBy": [],
        "notify": [
          "desk"
        ],
        "matched": 4,
        "firing": 1,
        "worst": "warning",
        "held": 1
      }
    ]
    "#);
}

#[tokio::test]
async fn series_are_found_by_words_and_labels_and_in_pieces() {
    let world = world().await;
    let found = async |text: &str, matchers: &[&str]| {
        let found = search(world.inspection(), all(text, matchers)).await.unwrap();
        let told: Vec<String> = found.series.iter().map(|series| series.labels.to_string()).collect();
        told.join(" ")
    };
    assert_eq!(found("magnets us", &[]).await, r#"{feed="magnets", partner="US"}"#);
    assert_eq!(
        found("US", &[]).await,
        r#"{feed="magnets", partner="US"} {feed="oxides", partner="US"} {feed="ratio", partner="US"}"#
    );
    assert_eq!(found("", &["feed=ox*"]).await, r#"{feed="oxides", partner="US"}"#);
    assert_eq!(found("nothing", &[]).await, "");
    let everything = search(world.inspection(), all("", &[])).await.unwrap();
    assert_eq!((everything.found, everything.total, everything.next_token), (6, 6, None));
    let partners: Vec<String> =
        everything.labels[1].values.iter().map(|value| format!("{} {}", value.value, value.series)).collect();
    assert_eq!(partners, ["US 3", "DE 1", "FR 1", "PL 1"]);
    let piece = Search { page: Page { limit: 4, after: None }, ..all("", &[]) };
    let first = search(world.inspection(), piece).await.unwrap();
    let rest = Search { page: Page { limit: 4, after: first.next_token }, ..all("", &[]) };
    let rest = search(world.inspection(), rest).await.unwrap();
    assert_eq!((first.series.len(), rest.series.len(), rest.next_token), (4, 2, None));
    let wrong = search(world.inspection(), all("", &["feed=["])).await.unwrap_err();
    assert!(matches!(wrong, Unanswered::Invalid(_)), "{wrong}");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one value, whole")]
async fn a_series_tells_what_its_figures_were() {
    let world = world().await;
    let found = search(world.inspection(), all("magnets us", &[])).await.unwrap();
    let case = Case::read(world.inspection(), &found.series[0].id).await.unwrap();
    insta::assert_snapshot!(json(&case.detail().await.unwrap()), @r#"
    {
      "id": "1",
      "labels": {
        "feed": "magnets",
        "partner": "US"
      },
      "title": "US magnets",
      "frequency": "month",
      "unit": "t",
      "derived": false,
      "latest": {
        "period": "2025-09",
        "value": 420.5,
        "status": "final",
        "recordedAt": "2026-01-22T09:01:01Z",
        "pull": 2,
        "earlier": [
          {
            "value": 430.0,
            "status": "final",
            "recordedAt": "2026-01-21T09:00:01Z",
            "until": "2026-01-22T09:01:01Z"
          }
        ]
      },
      "misfit": null,
      "formula": null,
      "first": "2025-07",
      "figures": 3,
      "revisions": 1,
      "nextRelease": null,
      "rules": [
        {
          "rule": "falling",
          "when": "declines >= 2 and value < 500 t",
          "alert": "019d43a74ce54cd5",
          "firing": "warning",
          "held": null
        }
      ],
      "sources": [
        {
          "pull": 2,
          "feed": "magnets",
          "url": "https://magnets.example/",
          "retrievedAt": "2026-01-22T09:01:01Z",
          "sha256": "hash at 2026-01-22T09:01:00Z"
        },
        {
          "pull": 1,
          "feed": "magnets",
          "url": "https://magnets.example/",
          "retrievedAt": "2026-01-21T09:00:01Z",
          "sha256": "hash at 2026-01-21T09:00:00Z"
        }
      ]
    }
    "#);
    let told = |as_of: Option<&str>| -> Vec<String> {
        let observations = case.observations(as_of.map(|day| moment::read(day).unwrap()));
        let earlier = |observation: &super::series::Observation| -> String {
            let earlier = &observation.earlier;
            earlier.iter().map(|earlier| format!(", was {:?} until {}", earlier.value, earlier.until)).collect()
        };
        observations.iter().map(|known| format!("{} {:?}{}", known.period, known.value, earlier(known))).collect()
    };
    insta::assert_snapshot!(told(None).join("\n"), @"
    2025-07 Some(619.0)
    2025-08 Some(590.0)
    2025-09 Some(420.5), was Some(430.0) until 2026-01-22T09:01:01Z
    ");
    insta::assert_snapshot!(told(Some("2026-01-21")).join("\n"), @"
    2025-07 Some(619.0)
    2025-08 Some(590.0)
    2025-09 Some(430.0)
    ");
    assert!(told(Some("2025-01-01")).is_empty());
    insta::assert_snapshot!(case.csv(), @"
    feed,partner,period,value,unit,status,known_since,known_until
    magnets,US,2025-07,619,t,final,2026-01-21T09:00:01Z,
    magnets,US,2025-08,590,t,final,2026-01-21T09:00:01Z,
    magnets,US,2025-09,430,t,final,2026-01-21T09:00:01Z,2026-01-22T09:01:01Z
    magnets,US,2025-09,420.5,t,final,2026-01-22T09:01:01Z,
    ");
    for unknown in ["0123", "d0123456789abcdef", "-1", "x"] {
        let why = Case::read(world.inspection(), unknown).await.err().unwrap();
        assert!(matches!(why, Unanswered::Unknown(_)), "{unknown}: {why}");
    }
}

#[tokio::test]
async fn a_derived_series_is_a_series_like_any_other() {
    let world = world().await;
    let found = search(world.inspection(), all("", &["feed=ratio"])).await.unwrap();
    let case = Case::read(world.inspection(), &found.series[0].id).await.unwrap();
    let detail = case.detail().await.unwrap();
    assert_eq!((detail.summary.derived, detail.formula.as_deref()), (true, Some("magnets / oxides")));
    let observations = case.page(None, &Page::ALL).unwrap().observations;
    assert_eq!(observations.iter().map(|known| known.value).collect::<Vec<_>>(), [Some(0.5)]);
    assert!(case.chart(60).has_figures());
}

#[tokio::test]
async fn no_cell_is_a_formula() {
    let mut world = World::new(&feed_table("a", "month")).await;
    world.pull("a", "=1+1 2025-07=-5").await;
    let found = search(world.inspection(), all("", &[])).await.unwrap();
    let csv = Case::read(world.inspection(), &found.series[0].id).await.unwrap().csv();
    assert_eq!(csv.lines().nth(1).unwrap(), "a,'=1+1,2025-07,-5,t,final,2026-01-21T09:00:01Z,");
}

#[tokio::test]
async fn feeds_say_how_they_are() {
    let world = world().await;
    let all: Vec<String> = feeds(world.inspection(), &mut Holdings::default())
        .await
        .unwrap()
        .iter()
        .map(|status| format!("{} {} {} {:?}", status.feed, status.state.name(), status.series, status.latest))
        .collect();
    insta::assert_snapshot!(all.join("\n"), @"
    magnets ok 4 Some(Period { frequency: Month, ordinal: 24308 })
    oxides ok 1 Some(Period { frequency: Month, ordinal: 24308 })
    ");
    let magnets = feed(world.inspection(), "magnets", 1).await.unwrap();
    assert_eq!((magnets.pulls.len(), magnets.pulls[0].new, magnets.pulls[0].revised), (1, 4, 1));
    assert!(magnets.requests[0].ends_with("magnets.csv"), "{:?}", magnets.requests);
    let wrong = feed(world.inspection(), "magnet", 1).await.unwrap_err();
    assert_eq!(wrong.to_string(), "there is no feed `magnet`; did you mean `magnets`?");
}

#[tokio::test]
async fn a_backtest_says_what_would_have_been_sent() {
    let world = world().await;
    let question = Question {
        rule: "falling".into(),
        labels: labels("US"),
        basis: crate::backtest::Basis::Latest,
        from: None,
        to: None,
    };
    let done = backtest(world.inspection(), &question).await.unwrap();
    insta::assert_snapshot!(json(&done.backtest), @r#"
    {
      "rule": "falling",
      "labels": {
        "feed": "magnets",
        "partner": "US"
      },
      "when": "declines >= 2 and value < 500 t",
      "unit": "t",
      "basis": "latest",
      "first": "2025-07",
      "last": "2025-09",
      "figures": 3,
      "missing": 0,
      "firing": 1,
      "vintages": {
        "native": 0,
        "reconstructed": 0,
        "unavailable": 0,
        "final": 3,
        "late": 0
      },
      "episodes": [
        {
          "since": "2025-09",
          "openedAt": "2025-10-01T00:00:00Z",
          "ended": null,
          "endedAt": null
        }
      ],
      "events": [
        {
          "at": "2025-10-01T00:00:00Z",
          "period": "2025-09",
          "kind": "fired",
          "title": "US magnets fell for at least 2 months: 420.5 t in September 2025, −28.7 %",
          "told": true
        }
      ]
    }
    "#);
    assert!(done.chart.has_figures());
    let period = |text: &str| Some(crate::period::Period::parse(text).unwrap());
    let backwards = Question { from: period("2025-09"), to: period("2025-01"), ..question.clone() };
    assert!(matches!(backtest(world.inspection(), &backwards).await, Err(Unanswered::Invalid(_))));
    let empty = Question { from: period("2026-01"), ..question };
    let why = backtest(world.inspection(), &empty).await.err().unwrap();
    assert_eq!(why.to_string(), r#"{feed="magnets", partner="US"} has no figure in this range"#);
}
