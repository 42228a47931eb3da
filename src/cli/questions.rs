//! The questions of `init`: what is asked on a terminal, and what an answer has to be.
//!
//! A bad answer is told why and asked for again. Whether an answer is good says the config that it would make.

use std::io::{BufRead, Write};

use crate::base::text::{list, printable};
use crate::config::draft::{BY_ADDRESS, Draft, OFFERS, Told};
use crate::feed::codes::goods::search::search;
use crate::series::country;

/// Goods that are listed for some words, at most.
const FOUND_MAX: usize = 20;

/// Somebody who is asked: what he says, and what he sees.
pub struct Asker<R, W> {
    /// Where answers come from, one a line.
    pub answers: R,
    /// Where questions are shown.
    pub screen: W,
}

/// Whether the config of a draft is good, with the address of its receiver where it is known; if not, why.
pub type Check<'a> = dyn Fn(&Draft, Option<&str>) -> Result<(), String> + 'a;

impl<R: BufRead, W: Write> Asker<R, W> {
    /// Asks until there is a good answer; an empty one is the default.
    fn ask<T>(
        &mut self,
        question: &str,
        default: &str,
        mut take: impl FnMut(&str) -> Result<T, String>,
    ) -> anyhow::Result<T> {
        loop {
            write!(self.screen, "{question} [{default}]: ")?;
            self.screen.flush()?;
            let mut line = String::new();
            if self.answers.read_line(&mut line)? == 0 {
                writeln!(self.screen)?;
                anyhow::bail!("the answers ended; nothing was written");
            }
            let answer = if line.trim().is_empty() { default } else { line.trim() };
            let taken = if printable(answer) == answer { take(answer) } else { Err("that is no line of text".into()) };
            match taken {
                Ok(taken) => return Ok(taken),
                Err(why) => writeln!(self.screen, "  {}", why.replace('\n', "\n  "))?,
            }
        }
    }
}

/// Asks for everything, beginning with a draft.
pub fn interview<R: BufRead, W: Write>(
    asker: &mut Asker<R, W>,
    begin: &Draft,
    check: &Check<'_>,
) -> anyhow::Result<Draft> {
    let mut draft = begin.clone();
    let offers: Vec<String> = OFFERS.iter().map(|offer| format!("  {:<10} {}", offer.kind, offer.has)).collect();
    writeln!(asker.screen, "Whose figures shall be watched?\n{}", offers.join("\n"))?;
    draft.offer = asker.ask("One of these", draft.offer.kind, |answer| {
        let known = OFFERS.iter().find(|offer| offer.kind == answer);
        known.ok_or_else(|| format!("write one of {}", list(OFFERS.iter().map(|offer| offer.kind))))
    })?;
    draft.goods = parts(draft.offer.example);
    match draft.offer.trade {
        Some(trade) => {
            draft.reporter = trade.example.to_owned();
            if trade.reporter.is_none() {
                let question = "Which country's trade, by name or code?";
                draft = asker.ask(question, trade.example, |answer| {
                    changed(&draft, check, |draft| draft.reporter = country::canonical(answer))
                })?;
            }
            let question = "Which good: its code, or words such as `rare earth magnets`, `gallium`?";
            draft = asker.ask(question, draft.offer.example, |answer| {
                let code = code(answer, trade.goods)?;
                changed(&draft, check, |draft| draft.goods = vec![code])
            })?;
            draft = asker.ask("Traded with which countries, `all` for every one?", "CN", |answer| {
                let partners = if answer == "all" { Vec::new() } else { parts(answer) };
                let partners = partners.iter().map(|partner| country::canonical(partner)).collect();
                changed(&draft, check, |draft| draft.partners = partners)
            })?;
            draft = asker.ask("import or export?", "import", |answer| {
                changed(&draft, check, |draft| draft.flow = answer.to_owned())
            })?;
        }
        None => {
            let question = "Which prices, by the World Bank's names?";
            draft = asker.ask(question, draft.offer.example, |answer| {
                changed(&draft, check, |draft| draft.goods = parts(answer))
            })?;
        }
    }
    teller(asker, draft, check)
}

/// Asks who is told.
fn teller<R: BufRead, W: Write>(asker: &mut Asker<R, W>, draft: Draft, check: &Check<'_>) -> anyhow::Result<Draft> {
    writeln!(asker.screen, "Who is told? At the console, by email, or by an address: {}.", BY_ADDRESS.join(", "))?;
    let kind = asker.ask("One of these", "console", |answer| {
        let known = ["console", "email"].iter().chain(&BY_ADDRESS).find(|kind| **kind == answer);
        known.copied().ok_or_else(|| "write one of these; docs/RECEIVERS.md has more".to_owned())
    })?;
    match kind {
        "console" => return Ok(draft),
        "email" => {}
        kind => {
            let with = Draft { told: Told::Address { kind: kind.to_owned() }, ..draft };
            let question = "Its address, which is checked and not written; `later` to check it later";
            return asker.ask(question, "later", |answer| {
                let address = (answer != "later").then_some(answer);
                check(&with, address).map(|()| with.clone())
            });
        }
    }
    // Each answer is tried with the others as they are until they are asked for.
    let (mut relay, mut from) = ("smtp.example.org".to_owned(), "watch@example.org".to_owned());
    let mut to = vec!["desk@example.org".to_owned()];
    let with = |relay: &str, from: &str, to: &[String], username: Option<&str>| {
        let (relay, from, to) = (relay.to_owned(), from.to_owned(), to.to_vec());
        let told = Told::Email { relay, from, to, username: username.map(ToOwned::to_owned) };
        Draft { told, ..draft.clone() }
    };
    to = asker.ask("To which addresses?", &to[0].clone(), |answer| {
        check(&with(&relay, &from, &parts(answer), None), None).map(|()| parts(answer))
    })?;
    relay = asker.ask("By which mail relay?", &relay.clone(), |answer| {
        check(&with(answer, &from, &to, None), None).map(|()| answer.to_owned())
    })?;
    from = asker.ask("From which address?", &to[0], |answer| {
        check(&with(&relay, answer, &to, None), None).map(|()| answer.to_owned())
    })?;
    asker.ask("Your name at the relay, `none` for no login?", "none", |answer| {
        let with = with(&relay, &from, &to, (answer != "none").then_some(answer));
        check(&with, None).map(|()| with)
    })
}

/// A draft with a change, where its config is good.
fn changed(draft: &Draft, check: &Check<'_>, change: impl FnOnce(&mut Draft)) -> Result<Draft, String> {
    let mut changed = draft.clone();
    change(&mut changed);
    check(&changed, None).map(|()| changed)
}

/// The parts of an answer, with commas between them.
fn parts(answer: &str) -> Vec<String> {
    answer.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// The code of a good: as it was said, or the only one that words find in a nomenclature; else those that they find.
fn code(answer: &str, nomenclature: &str) -> Result<String, String> {
    if answer.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b' ')) {
        return Ok(answer.chars().filter(char::is_ascii_digit).collect());
    }
    let found: Vec<_> = search(&[answer.to_owned()]).into_iter().filter(|(of, _)| of.name == nomenclature).collect();
    match found.as_slice() {
        [] => Err(format!("no good of {nomenclature} is known by these words: write other ones, or its code")),
        [(_, good)] => Ok(good.code.to_owned()),
        several => {
            let shown = several.iter().take(FOUND_MAX).map(|(_, good)| format!("{}  {}", good.code, good.text));
            let more = if several.len() > FOUND_MAX { "\n… and more" } else { "" };
            Err(format!("write the code of one:\n{}{more}", shown.collect::<Vec<_>>().join("\n")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Environment;

    /// What is shown when these answers are given, and the draft.
    fn asked(answers: &str) -> (String, anyhow::Result<Draft>) {
        let begin = Draft {
            offer: &OFFERS[0],
            goods: Vec::new(),
            reporter: String::new(),
            partners: vec!["CN".into()],
            flow: "import".into(),
            since: "2024-01".into(),
            told: Told::Console,
        };
        let check = |draft: &Draft, address: Option<&str>| {
            draft.check(Path::new("supplywatch.toml"), &Environment::default(), address)
        };
        let mut asker = Asker { answers: answers.as_bytes(), screen: Vec::new() };
        let draft = interview(&mut asker, &begin, &check);
        (String::from_utf8(asker.screen).unwrap(), draft)
    }

    #[test]
    fn empty_answers_take_the_defaults() {
        let (_, draft) = asked("\n\n\n\n\n\n");
        let draft = draft.unwrap();
        assert_eq!((draft.offer.kind, draft.goods, draft.reporter), ("eurostat", vec!["85051110".into()], "DE".into()));
        assert!(matches!(draft.told, Told::Console));
    }

    #[test]
    fn bad_answers_are_asked_again() {
        let answers = [
            "euro",
            "eurostat",
            "Japan",
            "Atlantis",
            "france",
            "unobtainium",
            "magnets",
            "8505.11.10",
            "Atlantis",
            "China, Viet Nam",
            "both",
            "export",
            "mail",
            "email",
            "nobody",
            "desk@example.org, ann@example.org",
            "smtp example",
            "smtp.example.org",
            "",
            "alerts",
        ];
        let (screen, draft) = asked(&answers.map(|answer| format!("{answer}\n")).concat());
        insta::assert_snapshot!(screen, @r#"
        Whose figures shall be watched?
          eurostat   trade of the European Union's members, by eight digits; no key
          comtrade   trade of every country, by six digits, some months late; no key
          census     trade of the United States, by ten digits; a free key
          korea      trade of South Korea, by ten digits; a free key
          worldbank  monthly prices of metals and other goods; no key
        One of these [eurostat]:   write one of `eurostat`, `comtrade`, `census`, `korea` and `worldbank`
        One of these [eurostat]: Which country's trade, by name or code? [DE]:   Japan is no member of the European Union; comtrade has every country's trade
        Which country's trade, by name or code? [DE]:   `Atlantis` is no country: write its English name or its code, such as "CN"
        Which country's trade, by name or code? [DE]: Which good: its code, or words such as `rare earth magnets`, `gallium`? [85051110]:   no good of CN is known by these words: write other ones, or its code
        Which good: its code, or words such as `rare earth magnets`, `gallium`? [85051110]:   write the code of one:
          85051110  permanent magnets with neodymium, praseodymium, dysprosium or samarium (rare earths)
          85051190  permanent magnets of other metals
          85051910  permanent magnets of agglomerated ferrite
        Which good: its code, or words such as `rare earth magnets`, `gallium`? [85051110]: Traded with which countries, `all` for every one? [CN]:   `Atlantis` is no country: write its English name or its code, such as "CN"
        Traded with which countries, `all` for every one? [CN]: import or export? [import]:   `flow` cannot be `both`; expected `import` or `export`
        import or export? [import]: Who is told? At the console, by email, or by an address: webhook, slack, teams, discord, mattermost, rocketchat, google-chat, feishu, dingtalk, wecom.
        One of these [console]:   write one of these; docs/RECEIVERS.md has more
        One of these [console]: To which addresses? [desk@example.org]:   `nobody` is no mail address; not an address; write "desk@example.com" or "The desk <desk@example.com>"
        To which addresses? [desk@example.org]: By which mail relay? [smtp.example.org]:   `host` cannot be `smtp example`; expected a host's name; write the name alone, such as "smtp.example.com"
        By which mail relay? [smtp.example.org]: From which address? [desk@example.org]: Your name at the relay, `none` for no login? [none]:
        "#);
        let draft = draft.unwrap();
        assert_eq!((draft.reporter.as_str(), draft.flow.as_str()), ("FR", "export"));
        assert_eq!((draft.goods, draft.partners), (vec!["85051110".to_owned()], vec!["CN".into(), "VN".into()]));
        let Told::Email { from, to, username, .. } = draft.told else { panic!("no mail") };
        assert_eq!((from.as_str(), to.len(), username.as_deref()), ("desk@example.org", 2, Some("alerts")));
    }

    #[test]
    fn an_address_is_checked_and_not_kept() {
        let (screen, draft) = asked("worldbank\nNickel\nwebhook\nhttp://hooks.example\nhttps://hooks.example/T0/B1\n");
        assert!(screen.contains("the address is plain http"), "{screen}");
        assert!(!draft.unwrap().text().contains("T0"));
    }

    #[test]
    fn answers_that_end_write_nothing() {
        let (_, draft) = asked("comtrade\nJP\n");
        assert_eq!(draft.err().unwrap().to_string(), "the answers ended; nothing was written");
    }

    #[test]
    fn what_moves_a_cursor_is_no_answer() {
        let (screen, draft) = asked("comtrade\nJP\n250410\n\u{1b}[2J\n");
        assert!(screen.contains("that is no line of text") && !screen.contains('\u{1b}') && draft.is_err(), "{screen}");
    }
}
