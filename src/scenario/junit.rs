//! Outcomes as JUnit XML, which continuous integration reads.
//!
//! There is no one schema. What is written is valid by both that are in use: Ant's (as Windy Road wrote it down) and
//! that of Jenkins' xUnit plugin. Ant's demands most: each suite has an id, a package, a time, a host, and the empty
//! elements around its cases.

use std::time::Duration;

use crate::base::clock::Timestamp;

/// One scenario's outcome.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file.
    pub file: String,
    /// The scenario's name.
    pub name: String,
    /// How long it took.
    pub took: Duration,
    /// How it failed; `None` where it passed.
    pub failure: Option<String>,
}

/// One document with a suite for each file.
pub fn junit(cases: &[Case], at: Timestamp) -> String {
    let mut lines = vec!["<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned(), "<testsuites>".to_owned()];
    for (id, suite) in cases.chunk_by(|a, b| a.file == b.file).enumerate() {
        let file = escaped(suite.first().map_or("", |case| &case.file));
        let failed = suite.iter().filter(|case| case.failure.is_some()).count();
        let took = seconds(suite.iter().map(|case| case.took).sum());
        // The schema's time has neither fractions nor a zone.
        let time = at.to_string();
        let time = time.get(..19).unwrap_or(&time);
        lines.push(format!(
            "  <testsuite id=\"{id}\" package=\"supplywatch\" name=\"{file}\" timestamp=\"{time}\" hostname=\"localhost\" \
             tests=\"{}\" failures=\"{failed}\" errors=\"0\" time=\"{took}\">",
            suite.len(),
        ));
        lines.push("    <properties/>".to_owned());
        lines.extend(suite.iter().map(|case| test_case(case, &file)));
        lines.extend(["    <system-out/>", "    <system-err/>", "  </testsuite>"].map(str::to_owned));
    }
    lines.push("</testsuites>\n".to_owned());
    lines.join("\n")
}

fn test_case(case: &Case, file: &str) -> String {
    let (name, took) = (escaped(&case.name), seconds(case.took));
    let head = format!("    <testcase name=\"{name}\" classname=\"{file}\" time=\"{took}\"");
    match &case.failure {
        None => format!("{head}/>"),
        Some(failure) => {
            let message = "what was sent is not what was expected";
            let text = escaped(failure);
            format!("{head}>\n      <failure type=\"diff\" message=\"{message}\">{text}</failure>\n    </testcase>")
        }
    }
}

fn seconds(took: Duration) -> String {
    format!("{:.3}", took.as_secs_f64())
}

/// Text for content and attributes alike. What XML 1.0 cannot hold at all becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_files_and_hostile_text_stays_text() {
        let case = |file: &str, name: &str, failure: Option<&str>| Case {
            file: file.into(),
            name: name.into(),
            took: Duration::from_millis(12),
            failure: failure.map(str::to_owned),
        };
        let cases = [
            case("a.test.toml", "fires", None),
            case("a.test.toml", "a \"<b>\" & ]]>\u{1b}[31m", Some("- fired\n+ </failure>")),
            case("b.test.toml", "stays quiet", None),
        ];
        let at = Timestamp::parse("2025-11-20T08:00:00.5Z").unwrap();
        insta::assert_snapshot!(junit(&cases, at), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites>
          <testsuite id="0" package="supplywatch" name="a.test.toml" timestamp="2025-11-20T08:00:00" hostname="localhost" tests="2" failures="1" errors="0" time="0.024">
            <properties/>
            <testcase name="fires" classname="a.test.toml" time="0.012"/>
            <testcase name="a &quot;&lt;b&gt;&quot; &amp; ]]&gt;�[31m" classname="a.test.toml" time="0.012">
              <failure type="diff" message="what was sent is not what was expected">- fired
        + &lt;/failure&gt;</failure>
            </testcase>
            <system-out/>
            <system-err/>
          </testsuite>
          <testsuite id="1" package="supplywatch" name="b.test.toml" timestamp="2025-11-20T08:00:00" hostname="localhost" tests="1" failures="0" errors="0" time="0.012">
            <properties/>
            <testcase name="stays quiet" classname="b.test.toml" time="0.012"/>
            <system-out/>
            <system-err/>
          </testsuite>
        </testsuites>
        "#);
        assert_eq!(junit(&[], at).lines().count(), 3, "no suite, and yet a document");
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(escaped("a\u{0}\u{8}\r\u{7f}\u{fffe}\n\tä"), "a\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\n\tä");
    }
}
