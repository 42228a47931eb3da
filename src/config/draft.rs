//! A first config: what somebody chose, and the text that says so.
//!
//! Secrets are not written: where one belongs, the text names the variable that will hold it.

use std::path::Path;

use super::{Environment, Problem, load_text};
use crate::series::country;

/// Whose figures a first config may watch.
#[derive(Debug)]
pub struct Offer {
    /// The kind of feed.
    pub kind: &'static str,
    /// What it has, in words.
    pub has: &'static str,
    /// Who publishes it.
    pub publisher: &'static str,
    /// The variable for its key and where one is had, where it asks for one.
    pub key: Option<(&'static str, &'static str)>,
    /// A code of a good, or the name of a price.
    pub example: &'static str,
    /// How it has the trade of countries, where it has that.
    pub trade: Option<Trade>,
    /// When it is asked, by its own clock.
    schedule: &'static str,
    timezone: &'static str,
}

/// How a publisher has the trade of countries.
#[derive(Clone, Copy, Debug)]
pub struct Trade {
    /// The country that reports, where it is always the same.
    pub reporter: Option<&'static str>,
    /// A country that may report.
    pub example: &'static str,
    /// The short name of its nomenclature of goods.
    pub goods: &'static str,
    /// The measure that a rule looks at.
    measure: &'static str,
}

/// What can be watched without more than a free key.
pub const OFFERS: [Offer; 5] = [
    Offer {
        kind: "eurostat",
        has: "trade of the European Union's members, by eight digits; no key",
        publisher: "Eurostat",
        example: "85051110",
        key: None,
        trade: Some(Trade { reporter: None, example: "DE", goods: "CN", measure: "weight" }),
        schedule: "30 11 * * 1-5",
        timezone: "Europe/Brussels",
    },
    Offer {
        kind: "comtrade",
        has: "trade of every country, by six digits, some months late; no key",
        publisher: "UN Comtrade",
        example: "250410",
        key: None,
        trade: Some(Trade { reporter: None, example: "JP", goods: "HS", measure: "weight" }),
        schedule: "15 6 * * *",
        timezone: "UTC",
    },
    Offer {
        kind: "census",
        has: "trade of the United States, by ten digits; a free key",
        publisher: "the US Census Bureau",
        example: "8505110070",
        key: Some(("CENSUS_KEY", "free at api.census.gov/data/key_signup.html")),
        trade: Some(Trade { reporter: Some("US"), example: "US", goods: "HTS", measure: "quantity" }),
        schedule: "45 8 * * 1-5",
        timezone: "America/New_York",
    },
    Offer {
        kind: "korea",
        has: "trade of South Korea, by ten digits; a free key",
        publisher: "Korea's customs",
        example: "8505110000",
        key: Some(("DATA_GO_KR_KEY", "free at data.go.kr, for the service nitemtrade")),
        trade: Some(Trade { reporter: Some("KR"), example: "KR", goods: "HSK", measure: "weight" }),
        schedule: "30 10 15-20 * *",
        timezone: "Asia/Seoul",
    },
    Offer {
        kind: "worldbank",
        has: "monthly prices of metals and other goods; no key",
        publisher: "the World Bank",
        example: "Nickel, Copper",
        key: None,
        trade: None,
        schedule: "0 17 * * 1-5",
        timezone: "America/New_York",
    },
];

/// The members of the European Union.
pub const UNION: [&str; 27] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// What somebody chose.
#[derive(Clone)]
pub struct Draft {
    /// Whose figures.
    pub offer: &'static Offer,
    /// The codes of goods, or the names of prices.
    pub goods: Vec<String>,
    /// The country that reports, of a publisher that has several.
    pub reporter: String,
    /// The countries that it trades with; none for all of them.
    pub partners: Vec<String>,
    /// `import` or `export`.
    pub flow: String,
    /// The first month.
    pub since: String,
    /// Who is told.
    pub told: Told,
}

/// Who is told.
#[derive(Clone)]
pub enum Told {
    /// Whoever looks at the terminal.
    Console,
    /// People, by mail.
    Email {
        /// The relay.
        relay: String,
        /// The sender.
        from: String,
        /// Whom to write to.
        to: Vec<String>,
        /// The login's name, where the relay wants one.
        username: Option<String>,
    },
    /// A chat tool or a program, by an address that is a secret.
    Address {
        /// The kind of receiver.
        kind: String,
    },
}

/// The kinds of receivers that need an address and nothing else.
pub const BY_ADDRESS: [&str; 10] =
    ["webhook", "slack", "teams", "discord", "mattermost", "rocketchat", "google-chat", "feishu", "dingtalk", "wecom"];

/// A secret that the config does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The variable that will.
    pub variable: String,
    /// What it is.
    pub is: String,
}

impl Draft {
    /// Whether its config would be good; if not, why. Secrets that it names are taken to be there; `address` is that of
    /// its receiver, where it is known.
    pub fn check(&self, path: &Path, environment: &Environment, address: Option<&str>) -> Result<(), String> {
        if let Some(stranger) = self.stranger() {
            return Err(stranger);
        }
        let environment = self.wanted().into_iter().fold(environment.clone(), |environment, wanted| {
            let value = match wanted.variable.ends_with("_URL") {
                true => address.unwrap_or("https://hooks.example/in"),
                false => "0123456789",
            };
            environment.with(&wanted.variable, value)
        });
        let Err(problems) = load_text(path, self.text(), &environment) else { return Ok(()) };
        let errors = problems.iter().filter(|problem| problem.is_error());
        Err(errors.map(Problem::brief).collect::<Vec<_>>().join("\n"))
    }

    /// Why a country is none, or has no trade here: Eurostat has that of the Union's members.
    fn stranger(&self) -> Option<String> {
        let reporter = self.offer.trade?.reporter.unwrap_or(&self.reporter);
        if let Some(code) = self.partners.iter().map(String::as_str).chain([reporter]).find(|code| !is_country(code)) {
            return Some(format!("`{code}` is no country: write its English name or its code, such as \"CN\""));
        }
        let is_member = UNION.contains(&reporter) || reporter.starts_with("EU27");
        (self.offer.kind == "eurostat" && !is_member).then(|| {
            let reporter = country::name(reporter);
            format!("{reporter} is no member of the European Union; comtrade has every country's trade")
        })
    }

    /// The secrets that the config will need.
    pub fn wanted(&self) -> Vec<Wanted> {
        let key = self.offer.key.map(|(variable, whence)| Wanted {
            variable: variable.to_owned(),
            is: format!("the key for {}, {whence}", self.offer.publisher),
        });
        let told = match &self.told {
            Told::Console | Told::Email { username: None, .. } => None,
            Told::Email { relay, .. } => {
                Some(Wanted { variable: "SMTP_PASSWORD".into(), is: format!("the password at {relay}") })
            }
            Told::Address { kind } => {
                Some(Wanted { variable: variable(kind), is: format!("the address of the {kind}") })
            }
        };
        key.into_iter().chain(told).collect()
    }

    /// The config.
    pub fn text(&self) -> String {
        let head = "\
# What supplywatch watches, what counts as alarming, and who is told; made by `supplywatch init`.
#
# `supplywatch check` finds every mistake, `supplywatch dry-run` shows what would be sent, `supplywatch run` begins.
# Every option is in docs/FEEDS.md, docs/RULES.md, docs/ROUTING.md and docs/RECEIVERS.md.
";
        [head.to_owned(), self.feed(), self.rule(), self.receiver()].join("\n")
    }

    fn feed(&self) -> String {
        let Offer { kind, publisher, schedule, timezone, .. } = self.offer;
        let mut lines = vec![text("kind", kind, "")];
        let (name, about) = match self.offer.trade {
            Some(trade) => {
                if trade.reporter.is_none() {
                    lines.push(texts("reporter", std::slice::from_ref(&self.reporter), "whose trade it is"));
                }
                if !self.partners.is_empty() {
                    lines.push(texts("partner", &self.partners, "left out: every country"));
                }
                lines.push(texts("commodity", &self.goods, "`supplywatch codes search WORDS` finds more"));
                lines.push(texts("flow", std::slice::from_ref(&self.flow), ""));
                lines.push(text("since", &self.since, "how much history the first pull brings"));
                ("trade", self.trade(trade.reporter.unwrap_or(&self.reporter)))
            }
            None => {
                lines.push(texts("series", &self.goods, "left out: all that there are"));
                ("prices", format!("Prices of {}", self.goods.join(", ")))
            }
        };
        if let Some((variable, whence)) = self.offer.key {
            lines.push(secret("key", variable, whence));
        }
        lines.push(text("schedule", schedule, "as cron has it, by the publisher's clock"));
        lines.push(text("timezone", timezone, ""));
        let table = table(&format!("feed.{name}"), &lines);
        format!("# {about}, as {publisher} has them; docs/FEEDS.md says how late they are.\n{table}")
    }

    /// The trade in words.
    fn trade(&self, reporter: &str) -> String {
        let names: Vec<String> = self.partners.iter().map(|code| country::name(code)).collect();
        let partners = if names.is_empty() { "every country".to_owned() } else { names.join(", ") };
        let (flow, way) = if self.flow == "export" { ("Exports", "to") } else { ("Imports", "from") };
        format!("{flow} of {}, {} {way} {partners}", self.goods.join(", "), country::name(reporter))
    }

    fn rule(&self) -> String {
        let severity = text("severity", "warning", "or \"info\", \"critical\"");
        let notify = texts("notify", &["desk".to_owned()], "");
        let Some(trade) = self.offer.trade else {
            let lines = [
                line("series", "{ feed = \"prices\" }", ""),
                text("when", "change(3mo) > 10%", "against three months before; or \"yoy > 25%\", …"),
                text("clear", "change(3mo) < 5%", "once it fires, it fires until this holds"),
                severity,
                notify,
            ];
            let about = "# Each price by itself. `supplywatch backtest prices-rising` shows when it would have fired.";
            return format!("{about}\n{}", table("rule.prices-rising", &lines));
        };
        let lines = [
            line("series", &format!("{{ feed = \"trade\", measure = \"{}\" }}", trade.measure), ""),
            text("when", "declines >= 2", "or \"yoy < -25%\", \"value < 400 t\", …"),
            severity,
            notify,
        ];
        let about = "# Each good and partner by itself: it fires when there was less two months in a row, and ends when \
                     there is more.\n# `supplywatch backtest trade-falling` shows when it would have fired.";
        format!("{about}\n{}", table("rule.trade-falling", &lines))
    }

    fn receiver(&self) -> String {
        let better = "under systemd better { credential = \"…\" }: docs/OPERATING.md";
        let (words, lines) = match &self.told {
            Told::Console => ("Whoever looks at the terminal, or into the journal.", vec![text("kind", "console", "")]),
            Told::Email { relay, from, to, username } => {
                let mut lines = vec![
                    text("kind", "email", ""),
                    text("host", relay, "by STARTTLS at port 587"),
                    text("from", from, ""),
                    texts("to", to, ""),
                ];
                if let Some(username) = username {
                    lines.push(text("username", username, ""));
                    lines.push(secret("password", "SMTP_PASSWORD", better));
                }
                ("By mail.", lines)
            }
            Told::Address { kind } => {
                let lines = vec![text("kind", kind, ""), secret("url", &variable(kind), better)];
                ("The address is a secret, so it is not here.", lines)
            }
        };
        let table = table("receiver.desk", &lines);
        format!("# {words} `supplywatch receivers test desk` sends a message to try it.\n{table}")
    }
}

/// Whether a code is that of a country, or of several.
fn is_country(code: &str) -> bool {
    let is_iso = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    is_iso || code == country::WORLD || code.contains('_')
}

/// The variable for the address of a kind of receiver.
fn variable(kind: &str) -> String {
    format!("{}_URL", kind.to_uppercase().replace('-', "_"))
}

/// A line of a table: key, value as TOML has it, and a remark.
struct Line(String, String, String);

fn line(key: &str, value: &str, remark: &str) -> Line {
    Line(key.to_owned(), value.to_owned(), remark.to_owned())
}

fn text(key: &str, value: &str, remark: &str) -> Line {
    line(key, &quoted(value), remark)
}

fn texts(key: &str, values: &[String], remark: &str) -> Line {
    let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    line(key, &format!("[{}]", values.join(", ")), remark)
}

fn secret(key: &str, variable: &str, remark: &str) -> Line {
    line(key, &format!("{{ env = \"{variable}\" }}"), remark)
}

/// A string as TOML has it, whatever is in it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// A table with its values below each other, and its remarks.
fn table(name: &str, lines: &[Line]) -> String {
    let keys = lines.iter().map(|Line(key, ..)| key.chars().count()).max().unwrap_or(0);
    let remarked = lines.iter().filter(|Line(.., remark)| !remark.is_empty());
    let values = remarked.map(|Line(_, value, _)| value.chars().count()).max().unwrap_or(0);
    let written = lines.iter().map(|Line(key, value, remark)| match remark.is_empty() {
        true => format!("{key:keys$} = {value}\n"),
        false => format!("{key:keys$} = {value:values$} # {remark}\n"),
    });
    format!("[{name}]\n{}", written.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(offer: &'static Offer, told: Told) -> Draft {
        Draft {
            offer,
            goods: vec![offer.example.split(',').next().unwrap().to_owned()],
            reporter: offer.trade.map_or("DE", |trade| trade.example).to_owned(),
            partners: vec!["CN".into()],
            flow: "import".into(),
            since: "2024-01".into(),
            told,
        }
    }

    fn mail(username: Option<&str>) -> Told {
        Told::Email {
            relay: "smtp.example.org".into(),
            from: "Supply \"watch\" <watch@example.org>".into(),
            to: vec!["desk@example.org".into(), "ann@example.org".into()],
            username: username.map(ToOwned::to_owned),
        }
    }

    fn check(draft: &Draft, address: Option<&str>) -> Result<(), String> {
        draft.check(Path::new("supplywatch.toml"), &Environment::default(), address)
    }

    #[test]
    fn every_choice_makes_a_good_config() {
        let addresses = BY_ADDRESS.map(|kind| Told::Address { kind: kind.into() });
        let told = [Told::Console, mail(None), mail(Some("alerts"))].into_iter().chain(addresses);
        for told in told {
            for offer in &OFFERS {
                let draft = made(offer, told.clone());
                assert_eq!(check(&draft, None), Ok(()), "{}", draft.text());
                let every = Draft { partners: Vec::new(), flow: "export".into(), ..draft };
                assert_eq!(check(&every, None), Ok(()), "{}", every.text());
            }
        }
    }

    #[test]
    fn the_text_teaches() {
        let draft = Draft { goods: vec!["8505110070".into()], ..made(&OFFERS[2], mail(Some("alerts"))) };
        insta::assert_snapshot!(draft.text(), @r#"
        # What supplywatch watches, what counts as alarming, and who is told; made by `supplywatch init`.
        #
        # `supplywatch check` finds every mistake, `supplywatch dry-run` shows what would be sent, `supplywatch run` begins.
        # Every option is in docs/FEEDS.md, docs/RULES.md, docs/ROUTING.md and docs/RECEIVERS.md.

        # Imports of 8505110070, US from China, as the US Census Bureau has them; docs/FEEDS.md says how late they are.
        [feed.trade]
        kind      = "census"
        partner   = ["CN"]                 # left out: every country
        commodity = ["8505110070"]         # `supplywatch codes search WORDS` finds more
        flow      = ["import"]
        since     = "2024-01"              # how much history the first pull brings
        key       = { env = "CENSUS_KEY" } # free at api.census.gov/data/key_signup.html
        schedule  = "45 8 * * 1-5"         # as cron has it, by the publisher's clock
        timezone  = "America/New_York"

        # Each good and partner by itself: it fires when there was less two months in a row, and ends when there is more.
        # `supplywatch backtest trade-falling` shows when it would have fired.
        [rule.trade-falling]
        series   = { feed = "trade", measure = "quantity" }
        when     = "declines >= 2" # or "yoy < -25%", "value < 400 t", …
        severity = "warning"       # or "info", "critical"
        notify   = ["desk"]

        # By mail. `supplywatch receivers test desk` sends a message to try it.
        [receiver.desk]
        kind     = "email"
        host     = "smtp.example.org"        # by STARTTLS at port 587
        from     = 'Supply "watch" <watch@example.org>'
        to       = ["desk@example.org", "ann@example.org"]
        username = "alerts"
        password = { env = "SMTP_PASSWORD" } # under systemd better { credential = "…" }: docs/OPERATING.md
        "#);
        let slack = Told::Address { kind: "slack".into() };
        insta::assert_snapshot!(made(&OFFERS[4], slack).text(), @r#"
        # What supplywatch watches, what counts as alarming, and who is told; made by `supplywatch init`.
        #
        # `supplywatch check` finds every mistake, `supplywatch dry-run` shows what would be sent, `supplywatch run` begins.
        # Every option is in docs/FEEDS.md, docs/RULES.md, docs/ROUTING.md and docs/RECEIVERS.md.

        # Prices of Nickel, as the World Bank has them; docs/FEEDS.md says how late they are.
        [feed.prices]
        kind     = "worldbank"
        series   = ["Nickel"]     # left out: all that there are
        schedule = "0 17 * * 1-5" # as cron has it, by the publisher's clock
        timezone = "America/New_York"

        # Each price by itself. `supplywatch backtest prices-rising` shows when it would have fired.
        [rule.prices-rising]
        series   = { feed = "prices" }
        when     = "change(3mo) > 10%" # against three months before; or "yoy > 25%", …
        clear    = "change(3mo) < 5%"  # once it fires, it fires until this holds
        severity = "warning"           # or "info", "critical"
        notify   = ["desk"]

        # The address is a secret, so it is not here. `supplywatch receivers test desk` sends a message to try it.
        [receiver.desk]
        kind = "slack"
        url  = { env = "SLACK_URL" } # under systemd better { credential = "…" }: docs/OPERATING.md
        "#);
    }

    #[test]
    fn no_secret_is_in_the_text() {
        let draft = made(&OFFERS[2], Told::Address { kind: "webhook".into() });
        assert_eq!(check(&draft, Some("https://hooks.example/T0/secret")), Ok(()));
        assert!(!draft.text().contains("T0"), "{}", draft.text());
        let variables: Vec<String> = draft.wanted().into_iter().map(|wanted| wanted.variable).collect();
        assert_eq!(variables, ["CENSUS_KEY", "WEBHOOK_URL"]);
    }

    #[test]
    fn what_would_be_refused_says_why() {
        let trade = made(&OFFERS[0], Told::Console);
        let told = |draft: &Draft| check(draft, None).unwrap_err();
        insta::assert_snapshot!(told(&Draft { goods: vec!["8505110".into()], ..trade.clone() }), @r#"`commodity` cannot be `8505110`; expected 2, 4, 6 or 8 digits; write "85051110", or "TOTAL" for all goods"#);
        insta::assert_snapshot!(told(&Draft { partners: vec!["Atlantis".into()], ..trade.clone() }), @r#"`Atlantis` is no country: write its English name or its code, such as "CN""#);
        insta::assert_snapshot!(told(&Draft { reporter: "JP".into(), ..trade.clone() }), @"Japan is no member of the European Union; comtrade has every country's trade");
        insta::assert_snapshot!(told(&Draft { flow: "imports".into(), ..trade.clone() }), @"`flow` cannot be `imports`; expected `import` or `export`; did you mean `import`?");
        let hook = Draft { told: Told::Address { kind: "webhook".into() }, ..trade };
        insta::assert_snapshot!(check(&hook, Some("http://hooks.example/in")).unwrap_err(), @"the address is plain http; http://hooks.example is not encrypted; use https://, or allow it with `insecure = true`");
    }
}
