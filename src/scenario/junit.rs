//! Outcomes as JUnit XML, which continuous integration reads.
//!
//! The shape is the common core that its readers agree on: test suites of test cases with failures.

/// One scenario's outcome.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file.
    pub file: String,
    /// The scenario's name.
    pub name: String,
    /// How it failed; `None` where it passed.
    pub failure: Option<String>,
}

/// One document with a suite for each file.
pub fn junit(cases: &[Case]) -> String {
    let failed = |cases: &[Case]| cases.iter().filter(|case| case.failure.is_some()).count();
    let mut lines = vec![
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned(),
        format!("<testsuites name=\"supplywatch\" tests=\"{}\" failures=\"{}\">", cases.len(), failed(cases)),
    ];
    for suite in cases.chunk_by(|a, b| a.file == b.file) {
        let file = escaped(suite.first().map_or("", |case| &case.file));
        lines.push(format!(
            "  <testsuite name=\"{file}\" tests=\"{}\" failures=\"{}\" errors=\"0\">",
            suite.len(),
            failed(suite)
        ));
        lines.extend(suite.iter().map(|case| test_case(case, &file)));
        lines.push("  </testsuite>".to_owned());
    }
    lines.push("</testsuites>\n".to_owned());
    lines.join("\n")
}

fn test_case(case: &Case, file: &str) -> String {
    let name = escaped(&case.name);
    let head = format!("    <testcase name=\"{name}\" classname=\"{file}\"");
    match &case.failure {
        None => format!("{head}/>"),
        Some(failure) => {
            let message = "what was sent is not what was expected";
            format!("{head}>\n      <failure message=\"{message}\">{}</failure>\n    </testcase>", escaped(failure))
        }
    }
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
            failure: failure.map(str::to_owned),
        };
        let cases = [
            case("a.test.toml", "fires", None),
            case("a.test.toml", "a \"<b>\" & ]]>\u{1b}[31m", Some("- fired\n+ </failure>")),
            case("b.test.toml", "stays quiet", None),
        ];
        insta::assert_snapshot!(junit(&cases), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="supplywatch" tests="3" failures="1">
          <testsuite name="a.test.toml" tests="2" failures="1" errors="0">
            <testcase name="fires" classname="a.test.toml"/>
            <testcase name="a &quot;&lt;b&gt;&quot; &amp; ]]&gt;�[31m" classname="a.test.toml">
              <failure message="what was sent is not what was expected">- fired
        + &lt;/failure&gt;</failure>
            </testcase>
          </testsuite>
          <testsuite name="b.test.toml" tests="1" failures="0" errors="0">
            <testcase name="stays quiet" classname="b.test.toml"/>
          </testsuite>
        </testsuites>
        "#);
    }
}
