//! `locale` and `units` of a receiver.

use super::{FEED, Sandbox, check_receiver};

#[test]
fn a_locale_is_one_that_is_known() {
    let told = |locale: &str| check_receiver(&format!("[receiver.r]\nkind = 'console'\nlocale = '{locale}'"));
    for good in ["de", "en-GB", "de-CH", "zh", "pt-BR", "es-419", "zh-Hant-TW"] {
        assert_eq!(told(good), "", "{good}");
    }
    insta::assert_snapshot!(told("xx-YY"), @r#"
    error: unknown locale `xx-YY`
      --> supplywatch.toml:11:10
       |
    11 | locale = 'xx-YY'
       |          ^^^^^^^ unknown
       |
       = help: write a language and, where it matters, a country (BCP 47): "de", "en-GB", "pt-BR"

    1 error
    "#);
    insta::assert_snapshot!(told("de_AT.UTF-8"), @"
    error: unknown locale `de_AT.UTF-8`
      --> supplywatch.toml:11:10
       |
    11 | locale = 'de_AT.UTF-8'
       |          ^^^^^^^^^^^^^ unknown
       |
       = help: did you mean `de-AT`?

    1 error
    ");
}

#[test]
fn units_are_known_and_of_different_figures() {
    let told = |units: &str| check_receiver(&format!("[receiver.r]\nkind = 'console'\nunits = {units}"));
    assert_eq!(told("['kg', 'CNY/kg', 'MUSD', 'kEUR']"), "");
    insta::assert_snapshot!(told("['kilo', 't', 'lb']"), @"
    error: there is no unit `kilo`
      --> supplywatch.toml:11:10
       |
    11 | units = ['kilo', 't', 'lb']
       |          ^^^^^^ unknown
       |
       = help: did you mean `kilograms`? A unit is a mass (kg, t, kt, g, lb, oz, ozt, st, lt), money (an ISO 4217 code: USD, kUSD, MUSD), money per mass (CNY/t), an exchange rate (CNY/USD), `count`, `index` or `percent`

    error: `lb` and `t` are units of the same figures
      --> supplywatch.toml:11:23
       |
    11 | units = ['kilo', 't', 'lb']
       |                       ^^^^ a second one
       |
       = help: leave the one that the reader thinks in

    2 errors
    ");
}

#[test]
fn what_a_receiver_reads_is_its_voice_and_its_templates() {
    let told = "locale = 'de'\nunits = ['kg']\ntemplate = { body = '{{ 1234.5|number }}' }";
    let setup = Sandbox::new(&format!("{FEED}[receiver.r]\nkind = 'console'\n{told}")).setup();
    let [receiver] = &setup.receivers[..] else { panic!("one receiver") };
    assert_eq!(receiver.voice.notation.quantity(1.5, crate::series::Unit::parse("t").ok().as_ref()), "1.500 kg");
    assert_eq!(setup.template("any", "r").notation, receiver.voice.notation);
}

#[test]
fn pictures_go_to_those_who_take_them_with_the_message() {
    let setup = Sandbox::new(&format!(
        "{FEED}[receiver.a]\nkind = 'discord'\nurl = 'https://h.example/x'\n\
        [receiver.b]\nkind = 'discord'\nurl = 'https://h.example/y'\nchart = false\n\
        [receiver.c]\nkind = 'mattermost'\nurl = 'https://h.example/z'\n"
    ))
    .setup();
    let charts: Vec<bool> = setup.receivers.iter().map(|receiver| receiver.voice.chart).collect();
    assert_eq!(charts, [true, false, false]);
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'console'\nchart = true"), @"
    error: `chart` has no meaning for kind `console`
      --> supplywatch.toml:11:1
       |
    11 | chart = true
       | ^^^^^ not for this kind
       |
       = help: `chart` belongs to kind `email`, `teams`, `discord`, `telegram` and `pushover`

    1 error
    ");
}
