//! Feeds of trade: what may be written, and what is said of anything else.

use super::Sandbox;

/// The problems of a feed of a kind, or its warnings.
fn told(text: &str) -> String {
    Sandbox::new(&format!("[feed.f]\n{text}")).variable("KEY", "canary-key-of-thirty-characters").told()
}

#[test]
fn what_a_feed_of_comtrade_needs() {
    insta::assert_snapshot!(told("kind = 'comtrade'"), @r#"
    error: [feed.f] needs `reporter`
     --> supplywatch.toml:1:7
      |
    1 | [feed.f]
      |       ^ no `reporter`
      |
      = help: write reporter = ["US", "JP"]: who reports the trade

    error: [feed.f] needs `commodity`
     --> supplywatch.toml:1:7
      |
    1 | [feed.f]
      |       ^ no `commodity`
      |
      = help: write commodity = ["250410"]: codes of the Harmonized System

    error: [feed.f] needs `flow`
     --> supplywatch.toml:1:7
      |
    1 | [feed.f]
      |       ^ no `flow`
      |
      = help: write flow = "import", "export", or both in a list

    3 errors
    "#);
}

#[test]
fn codes_that_are_none_are_refused_by_comtrade() {
    insta::assert_snapshot!(
        told("kind = 'comtrade'\nreporter = 'Atlantis'\nflow = 'imports'\ncommodity = ['2504.10', '85051110']\npartner = []\nabsent = 'zero'"),
        @r#"
        error: `reporter` cannot be `Atlantis`
         --> supplywatch.toml:3:12
          |
        3 | reporter = 'Atlantis'
          |            ^^^^^^^^^^ not a code
          |
          = help: write an ISO code such as "CN", "WORLD", or Comtrade's own number of an area

        error: `flow` cannot be `imports`
         --> supplywatch.toml:4:8
          |
        4 | flow = 'imports'
          |        ^^^^^^^^^ expected `import` or `export`
          |
          = help: did you mean `import`?

        error: `commodity` cannot be `85051110`
         --> supplywatch.toml:5:25
          |
        5 | commodity = ['2504.10', '85051110']
          |                         ^^^^^^^^^^ expected 2, 4 or 6 digits
          |
          = help: write "250410", or "TOTAL" for all goods

        error: `partner` is empty
         --> supplywatch.toml:6:11
          |
        6 | partner = []
          |           ^^ names nothing
          |
          = help: take it away, or name something

        4 errors
        "#
    );
}

#[test]
fn groups_among_countries_and_other_frequencies_are_refused_by_comtrade() {
    insta::assert_snapshot!(
        told("kind = 'comtrade'\nreporter = ['US', '97']\nflow = 'import'\ncommodity = 'TOTAL'\nfrequency = 'day'\nabsent = 'zero'\nvintages = true"),
        @r#"
        error: `reporter` has countries and groups of countries
         --> supplywatch.toml:3:12
          |
        3 | reporter = ['US', '97']
          |            ^^^^^^^^^^^^ countries and groups
          |
          = help: the sum over both counts all twice: make a feed for each

        error: Comtrade has no figures by day
         --> supplywatch.toml:6:13
          |
        6 | frequency = 'day'
          |             ^^^^^ expected `month` or `year`
          |
          = help: write frequency = "month"

        error: `absent = "zero"` needs `partner`
         --> supplywatch.toml:7:10
          |
        7 | absent = 'zero'
          |          ^^^^^^ a zero of which partner?
          |
          = help: name the partners that always have a figure: partner = ["CN"]

        error: `vintages` has no meaning for kind `comtrade`
         --> supplywatch.toml:8:1
          |
        8 | vintages = true
          | ^^^^^^^^ not for this kind
          |
          = help: `vintages` belongs to kind `fred`

        4 errors
        "#
    );
}

#[test]
fn what_a_feed_of_the_census_bureau_needs() {
    insta::assert_snapshot!(told("kind = 'census'\nreporter = 'US'"), @r#"
    error: [feed.f] needs `key`
     --> supplywatch.toml:1:7
      |
    1 | [feed.f]
      |       ^ no `key`
      |
      = help: write key = { env = "…" }; a key is free at api.census.gov/data/key_signup.html

    error: [feed.f] needs `commodity`
     --> supplywatch.toml:1:7
      |
    1 | [feed.f]
      |       ^ no `commodity`
      |
      = help: write commodity = ["8505110070"]: codes of the Harmonized Tariff Schedule or of the Harmonized System

    error: [feed.f] needs `flow`
     --> supplywatch.toml:1:7
      |
    1 | [feed.f]
      |       ^ no `flow`
      |
      = help: write flow = "import", "export", or both in a list

    error: `reporter` has no meaning for kind `census`
     --> supplywatch.toml:3:1
      |
    3 | reporter = 'US'
      | ^^^^^^^^ not for this kind
      |
      = help: `reporter` belongs to kind `eurostat` and `comtrade`

    4 errors
    "#);
}

#[test]
fn codes_that_are_none_are_refused_by_the_census_bureau() {
    insta::assert_snapshot!(
        told("kind = 'census'\nkey = { env = 'KEY' }\nflow = 'import'\nbasis = 'generel'\ncommodity = 'TOTAL'\npartner = ['CN', '4XXX']\nmeasure = 'weight'\nsince = '2024'"),
        @r#"
        error: `basis` cannot be `generel`
         --> supplywatch.toml:5:9
          |
        5 | basis = 'generel'
          |         ^^^^^^^^^ expected `general` or `consumption`
          |
          = help: did you mean `general`?

        error: `commodity` cannot be `TOTAL`
         --> supplywatch.toml:6:13
          |
        6 | commodity = 'TOTAL'
          |             ^^^^^^^ expected 2, 4, 6 or 10 digits
          |
          = help: write "8505110070"

        error: `partner` has countries and groups of countries
         --> supplywatch.toml:7:11
          |
        7 | partner = ['CN', '4XXX']
          |           ^^^^^^^^^^^^^^ countries and groups
          |
          = help: the sum over both counts all twice: make a feed for each

        error: the Census Bureau has no measure `weight`
         --> supplywatch.toml:8:11
          |
        8 | measure = 'weight'
          |           ^^^^^^^^ only value and quantity
          |
          = help: write "quantity": its unit is the good's, and for most minerals the kilogram

        error: `since` cannot be `2024`
         --> supplywatch.toml:9:9
          |
        9 | since = '2024'
          |         ^^^^^^ `2024` is a year: expected a month, like 2025-09
          |
          = help: write a period of the feed's frequency

        5 errors
        "#
    );
}

#[test]
fn what_is_surely_not_meant_is_warned_of() {
    insta::assert_snapshot!(
        told("kind = 'census'\nkey = { env = 'KEY' }\nflow = 'export'\nbasis = 'general'\ncommodity = '850511'"),
        @"
        warning: `basis` has no meaning for exports
         --> supplywatch.toml:5:9
          |
        5 | basis = 'general'
          |         ^^^^^^^^^ only for imports

        warning: HS 850511 is every permanent magnet of metal, not only those with rare earths
         --> supplywatch.toml:6:13
          |
        6 | commodity = '850511'
          |             ^^^^^^^^ several goods
          |
          = help: codes of eight and ten digits tell them apart, where the publisher has them: CN 85051110, CN 85051190, HTS 8505110010, HTS 8505110030, HTS 8505110050, HTS 8505110070, HTS 8505110090, GACC 85051110, GACC 85051190; see `supplywatch codes search 850511`
        "
    );
}

/// A publisher that asks in parts fills in its zeros itself: nobody else knows of which.
#[test]
fn zeros_of_a_feed_that_asks_in_parts_are_its_own() {
    let feed = |kind: &str| {
        let text = format!(
            "[feed.f]\nkind = '{kind}'\nkey = {{ env = 'KEY' }}\nreporter = 'DE'\nflow = 'import'\ncommodity = '250410'\n\
            partner = 'CN'\nabsent = 'zero'\n"
        );
        let text = match kind {
            "eurostat" => text.replace("key = { env = 'KEY' }\n", ""),
            "census" => text.replace("reporter = 'DE'\n", ""),
            _ => text,
        };
        Sandbox::new(&text).variable("KEY", "canary-key-of-thirty-characters").setup().feeds.remove(0).absent_zero
    };
    assert_eq!(["eurostat", "comtrade", "census"].map(feed), [true, false, false]);
}
