//! What every chart has to keep, whatever it is made of.

use proptest::prelude::*;

use super::testing::{MIXED, US, any_chart, chart, history, marked, period};
use super::*;
use crate::series::AsOf;

/// The tags of an SVG file that are open and not yet closed; it fails where one closes another.
fn open_tags(svg: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    for tag in svg.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap_or_else(|| panic!("a tag does not end: {tag}"));
        assert_eq!(tag.matches('"').count() % 2, 0, "an attribute does not end: {tag}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop().as_deref(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split_whitespace().next().unwrap().to_owned()),
        }
    }
    open
}

/// Width, height and bytes of a PNG file, three bytes to a dot.
fn decoded(png: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut decoder = ::png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(::png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!((info.color_type, info.bit_depth), (::png::ColorType::Rgb, ::png::BitDepth::Eight));
    assert!(reader.info().palette.is_some() && reader.info().trns.is_none(), "as small as it can be, and opaque");
    (info.width, info.height, bytes)
}

fn has(bytes: &[u8], ink: scene::Ink) -> bool {
    bytes.chunks(3).any(|dot| dot == ink.light())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn anything_is_drawn(chart in any_chart(), width in 0_u32..700) {
        let svg = chart.inline_svg(width);
        prop_assert_eq!(open_tags(&svg), Vec::<String>::new());
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{}", svg);
        prop_assert!(svg.chars().all(|c| c == '\n' || !c.is_control()));
        prop_assert_eq!(&svg, &chart.inline_svg(width));
        prop_assert_eq!(open_tags(&chart.spark_svg(width, 20)), Vec::<String>::new());
        prop_assert!(chart.alt().ends_with('.'));
        for line in chart.terminal(width as usize).lines() {
            prop_assert!(line.chars().count() <= (width as usize).clamp(40, 160), "{}", line);
        }
        prop_assert!(chart.spark(20).chars().count() <= 20);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn anything_is_painted(chart in any_chart()) {
        let (width, _, bytes) = decoded(&chart.png(160, 1));
        prop_assert_eq!(width, 160);
        prop_assert!(has(&bytes, scene::Ink::Paper));
    }
}

#[test]
fn a_small_chart_as_svg() {
    let chart = chart("2025-08 590, 2025-09 420.5p").with_firing([Firing { since: period("2025-09"), until: None }]);
    insta::assert_snapshot!(chart.inline_svg(160), @r##"
    <svg xmlns="http://www.w3.org/2000/svg" class="chart" width="160" height="309" viewBox="0 0 160 309" role="img" aria-label="Magnets, China → US: 420.5 t in September 2025 (preliminary), −28.7 % from 590 t in August 2025. Of 2 figures since August 2025, the lowest is 420.5 t in September 2025, the highest 590 t in August 2025. Firing since September 2025. October 2025 is due on 2025-11-20." font-family="Inter,system-ui,-apple-system,Segoe UI,Roboto,Helvetica Neue,Arial,sans-serif" stroke-linejoin="round">
    <path class="cf-paper" fill="#ffffff" d="M0 0L160 0L160 309L0 309Z"/>
    <text class="cf-text" fill="#1a1c1f" x="8" y="21" font-size="13">Magnets, China →</text>
    <text class="cf-text" fill="#1a1c1f" x="8" y="38" font-size="13">US</text>
    <text class="cf-muted" fill="#555b63" x="8" y="54" font-size="12">t, by month</text>
    <path class="cf-tint" fill="#fdf1ef" d="M52 68.8L64.84 68.8L64.84 188.8L52 188.8Z"/>
    <path class="cs-hatch" fill="none" stroke="#eeb9b2" stroke-width="1" d="M52 72.8L56 68.8M52 80.8L64 68.8M52 88.8L64.84 75.96M52 96.8L64.84 83.96M52 104.8L64.84 91.96M52 112.8L64.84 99.96M52 120.8L64.84 107.96M52 128.8L64.84 115.96M52 136.8L64.84 123.96M52 144.8L64.84 131.96M52 152.8L64.84 139.96M52 160.8L64.84 147.96M52 168.8L64.84 155.96M52 176.8L64.84 163.96M52 184.8L64.84 171.96M56 188.8L64.84 179.96M64 188.8L64.84 187.96"/>
    <path class="cs-grid" fill="none" stroke="#dfe2e6" stroke-width="1" d="M38.72 188.8L86.67 188.8M38.72 158.8L86.67 158.8M38.72 128.8L86.67 128.8M38.72 98.8L86.67 98.8M38.72 68.8L86.67 68.8"/>
    <text class="cf-muted" fill="#555b63" x="32.72" y="193" font-size="12" text-anchor="end">400</text>
    <text class="cf-muted" fill="#555b63" x="32.72" y="163" font-size="12" text-anchor="end">450</text>
    <text class="cf-muted" fill="#555b63" x="32.72" y="133" font-size="12" text-anchor="end">500</text>
    <text class="cf-muted" fill="#555b63" x="32.72" y="103" font-size="12" text-anchor="end">550</text>
    <text class="cf-muted" fill="#555b63" x="32.72" y="73" font-size="12" text-anchor="end">600</text>
    <path class="cf-firing" fill="#b3261e" d="M52 66.3L64.84 66.3L64.84 71.3L52 71.3Z"/>
    <path class="cs-muted" fill="none" stroke="#555b63" stroke-width="1" d="M38.72 188.8L86.67 188.8"/>
    <path class="cs-muted" fill="none" stroke="#555b63" stroke-width="1" d="M71.47 188.8L71.47 192.8"/>
    <text class="cf-muted" fill="#555b63" x="71.47" y="211" font-size="12" text-anchor="middle">Oct</text>
    <text class="cf-muted" fill="#555b63" x="71.47" y="227" font-size="12" text-anchor="middle">2025</text>
    <path class="cs-line" fill="none" stroke="#0b4f8a" stroke-width="2" stroke-dasharray="4 3" d="M45.36 74.8L58.42 176.5"/>
    <g><title>August 2025: 590 t</title>
    <circle class="cf-line cs-paper" fill="#0b4f8a" stroke="#ffffff" stroke-width="1" cx="45.36" cy="74.8" r="3.5"/>
    </g>
    <g><title>September 2025: 420.5 t, preliminary</title>
    <path class="cf-paper cs-line" fill="#ffffff" stroke="#0b4f8a" stroke-width="1.75" d="M58.42 171.95L62.97 176.5L58.42 181.05L53.87 176.5Z"/>
    </g>
    <path class="cf-muted cs-muted" fill="#555b63" stroke="#555b63" stroke-width="1" d="M60.34 190.8L63.14 195.56L57.54 195.56Z"/>
    <path class="cf-muted cs-muted" fill="#555b63" stroke="#555b63" stroke-width="1" d="M73.19 190.8L75.99 195.56L70.39 195.56Z"/>
    <path class="cf-paper cs-muted" fill="#ffffff" stroke="#555b63" stroke-width="1" d="M86.46 190.8L89.26 195.56L83.66 195.56Z"/>
    <circle class="cf-line cs-paper" fill="#0b4f8a" stroke="#ffffff" stroke-width="1" cx="95.17" cy="176.5" r="3.5"/>
    <text class="cf-text" fill="#1a1c1f" x="101.67" y="180.7" font-size="12">420.5</text>
    <path class="cf-tint" fill="#fdf1ef" d="M8 243.8L27.2 243.8L27.2 253.8L8 253.8Z"/>
    <path class="cs-hatch" fill="none" stroke="#eeb9b2" stroke-width="1" d="M8 245.8L10 243.8M8 253.8L18 243.8M16 253.8L26 243.8M24 253.8L27.2 250.6"/>
    <path class="cf-firing" fill="#b3261e" d="M8 242.8L27.2 242.8L27.2 245.8L8 245.8Z"/>
    <text class="cf-muted" fill="#555b63" x="33.2" y="253" font-size="12">firing</text>
    <path class="cf-paper cs-line" fill="#ffffff" stroke="#0b4f8a" stroke-width="1.75" d="M17.6 260.25L22.15 264.8L17.6 269.35L13.05 264.8Z"/>
    <text class="cf-muted" fill="#555b63" x="33.2" y="269" font-size="12">preliminary</text>
    <path class="cf-muted cs-muted" fill="#555b63" stroke="#555b63" stroke-width="1" d="M17.6 278.35L20.4 283.11L14.8 283.11Z"/>
    <text class="cf-muted" fill="#555b63" x="33.2" y="285" font-size="12">published</text>
    <path class="cf-paper cs-muted" fill="#ffffff" stroke="#555b63" stroke-width="1" d="M17.6 294.35L20.4 299.11L14.8 299.11Z"/>
    <text class="cf-muted" fill="#555b63" x="33.2" y="301" font-size="12">2025-10 due 2025…</text>
    </svg>
    "##);
}

#[test]
fn a_gap_is_never_joined() {
    let lines = |script: &str| {
        let rows = chart(script).rows().iter().map(Vec::len).collect::<Vec<_>>();
        let gaps = chart(script).gaps().iter().map(|(first, last)| format!("{first}..{last}")).collect::<Vec<_>>();
        (rows, gaps.join(" "))
    };
    assert_eq!(
        lines("2025-05 1, 2025-06 2, 2025-08 3, 2025-11 4, 2025-12 5"),
        (vec![2, 1, 2], "2025-07..2025-07 2025-09..2025-10".to_owned())
    );
    // A weekend is no gap, a figure of two months is no neighbour, a withdrawn one leaves a gap.
    assert_eq!(lines("2025-09-05 1, 2025-09-08 2, 2025-09-20 3"), (vec![2, 1], "2025-09-09..2025-09-19".to_owned()));
    assert_eq!(lines("2025-12 1, 2026-01/2026-02 2, 2026-03 3"), (vec![1, 1], String::new()));
    assert_eq!(lines("2025-05 1, 2025-06 2, 2025-06 x, 2025-07 3"), (vec![1, 1], "2025-06..2025-06".to_owned()));
    // In the file, the line begins anew behind each gap, and each gap has its cross.
    let svg = chart("2025-05 1, 2025-06 2, 2025-08 3, 2025-09 4").inline_svg(320);
    let line = svg.lines().find(|line| line.contains("class=\"cs-line\"")).unwrap();
    assert_eq!((line.matches('M').count(), line.matches('L').count()), (2, 2), "{line}");
    assert!(svg.contains("no figure"));
}

#[test]
fn every_mark_is_told_apart_and_explained() {
    let svg = marked().inline_svg(640);
    for text in [
        "fires below 406 t",
        "mean 480 t",
        "firing",
        "before it was revised",
        "withdrawn",
        "preliminary",
        "several periods together",
        "no figure",
        "published",
        "2026-05 due 2026-06-20",
        "<title>August 2025: 590 t, was 540 t</title>",
        "<title>April 2026: 406 t, preliminary</title>",
    ] {
        assert!(svg.contains(text), "{text} in {svg}");
    }
    let plain = chart("2025-08 1, 2025-09 2").between(None, None);
    let told = plain.marks();
    assert_eq!(told, Vec::new(), "nothing is explained that is not drawn");
}

#[test]
fn a_page_says_the_colour_of_everything_in_an_element() {
    let (svg, sheet) = (marked().inline_svg(640), stylesheet());
    let classes = svg.split("class=\"").skip(2).filter_map(|rest| rest.split('"').next());
    for class in classes.flat_map(str::split_whitespace) {
        assert!(sheet.contains(&format!(".{class}{{")), "{class}");
    }
    assert!(!svg.contains("style") && !svg.contains(" id="), "{svg}");
}

#[test]
fn a_figure_that_is_not_sure_is_reached_by_dashes() {
    let dashes = |script: &str| chart(script).inline_svg(320).matches("stroke-dasharray=\"4 3\"").count();
    assert_eq!((dashes("2025-08 1, 2025-09 2"), dashes("2025-08 1, 2025-09 2p")), (0, 1));
}

#[test]
fn hostile_labels_are_text() {
    let title = "</text><script>alert(1)</script>\u{1b}[31m\u{202e}稀土\u{0}\u{ffff}";
    let chart = Chart::new(title, &history(US).view(AsOf::Latest), Tz::UTC)
        .with_line(Line { name: "\"><img src=x>".to_owned(), values: Values::Same(400.0) });
    for svg in [sheet_svg(std::slice::from_ref(&chart), 320), chart.inline_svg(320), chart.spark_svg(80, 20)] {
        assert_eq!(open_tags(&svg), Vec::<String>::new());
        assert!(!svg.contains("<script") && !svg.contains("<img") && !svg.contains('\u{1b}'), "{svg}");
    }
    assert!(!chart.terminal(80).contains('\u{1b}') && !chart.alt().contains('\u{202e}'));
    decoded(&chart.png(320, 1));
}

#[test]
fn a_png_is_light_opaque_and_as_large_as_asked_for() {
    let (width, height, bytes) = decoded(&marked().png(320, 2));
    assert_eq!((width, bytes.len()), (640, 640 * height as usize * 3));
    assert_eq!(bytes[..3], scene::Ink::Paper.light());
    for ink in [scene::Ink::Line, scene::Ink::Firing, scene::Ink::Tint, scene::Ink::Text, scene::Ink::Bound] {
        assert!(has(&bytes, ink), "{ink:?}");
    }
    let (_, _, without) = decoded(&chart(US).png(320, 2));
    assert!(!has(&without, scene::Ink::Firing));
}

#[test]
fn charts_of_a_sheet_lie_below_each_other() {
    let one = decoded(&chart(US).png(320, 1)).1;
    let two = decoded(&sheet_png(&[chart(US), chart(US)], 320, 1)).1;
    assert_eq!(two, 2 * one);
    let svg = sheet_svg(&[chart(US), marked()], 320);
    assert!(svg.contains(&format!("<g transform=\"translate(0 {one})\">")) && svg.matches("lowest").count() == 2);
}

#[test]
fn a_chart_on_a_terminal() {
    insta::assert_snapshot!(marked().terminal(72), @"
    t, by month
    1000 ┤
         │                                        ▃▃▃▃ ▃▃▃▃
     750 ┤                                        ████ ████
         │          ▄▄▄▄ ▂▂▂▂ ╌╌╌╌╌▆▆▆▆           ████ ████
     500 ┤╌╌╌╌╌╌╌╌╌╌████ ████ ╌╌╌╌╌████ ╌╌╌╌╌████ ████ ████ ╌╌╌╌╌╌╌╌╌╌
         │     ▃▃▃▃ ████ ████ ▇▇▇▇ ████      ████ ████ ████      ▆▆▆▆
     250 ┤     ████ ████ ████ ████ ████      ████ ████ ████      ████
         │     ████ ████ ████ ████ ████      ████ ████ ████      ████
       0 ┤▇▇▇▇ ████ ████ ████ ████ ████      ████ ████ ████      ████
         └────────────────────────────────────────────────────────────
                    2025-07        2025-10        2026-01
                          ○              ø        ══════════ ×    ◇
                              ━━━━                               ━━━━
    ╌ fires below 406 t in 2026-05   ╌ mean 480 t   ━ firing
    ○ before it was revised   ø withdrawn   ◇ preliminary
    ═ several periods together   × no figure
    ");
    insta::assert_snapshot!(chart("2024-Q1 -5, 2024-Q2 12, 2024-Q3 -28.7, 2024-Q4 3").terminal(40), @"
    t, by quarter
     20 ┤
        │        ▆▆▆▆▆▆▆
      0 ┤        ███████         ▆▆▆▆▆▆▆
        │███████ ███████         ███████
    −20 ┤███████ ███████         ███████
        │███████ ███████ ▅▅▅▅▅▅▅ ███████
    −40 ┤███████ ███████ ███████ ███████
        └────────────────────────────────
         2024-Q1 2024-Q2 2024-Q3 2024-Q4
    ");
    assert_eq!(chart("").terminal(80), "no figures");
    let many: String = (0..500).map(|n| format!("{} {n},", period("1980-01").offset(n))).collect();
    insta::assert_snapshot!(chart(&many).terminal(60), @"
    t, by month
    600 ┤
        │                                             ▁▂▂▃▄
    400 ┤                                   ▁▂▂▃▄▅▆▆▇██████
        │                         ▁▂▂▃▄▅▆▆▇████████████████
    200 ┤               ▁▂▂▃▄▅▆▆▇██████████████████████████
        │     ▁▂▂▃▄▅▆▆▇████████████████████████████████████
      0 ┤▅▆▆▇██████████████████████████████████████████████
        └──────────────────────────────────────────────────
         1980  1985  1990  1995  2000  2005  2010  2015
    ");
}

#[test]
fn a_chart_in_words() {
    let alt = |script: &str| chart(script).alt();
    insta::assert_snapshot!(marked().alt(), @"Magnets, China → US: 406 t in April 2026 (preliminary). Of 9 figures since May 2025, the lowest is 46.4 t in May 2025, the highest 855 t from January 2026 to February 2026. Firing since April 2026, and once before. Fires below 406 t in 2026-05, mean 480 t. No figure for November 2025; March 2026. Revised: November 2025, 582 t withdrawn; August 2025 from 540 t to 590 t. May 2026 is due on 2026-06-20.");
    insta::assert_snapshot!(alt(US), @"Magnets, China → US: 406 t in March 2026, −9.6 % from 449 t in February 2026. Of 10 figures since May 2025, the lowest is 46.4 t in May 2025, the highest 656 t in October 2025. No figure for January 2026. April 2026 is due on 2026-05-20.");
    insta::assert_snapshot!(alt("2025-09-18 420.5"), @"Magnets, China → US: 420.5 t on 18 September 2025.");
    insta::assert_snapshot!(alt("2025-08 0, 2025-09 12e"), @"Magnets, China → US: 12 t in September 2025 (estimated), after 0 t in August 2025. Of 2 figures since August 2025, the lowest is 0 t in August 2025, the highest 12 t in September 2025. October 2025 is due on 2025-11-20.");
    insta::assert_snapshot!(alt(""), @"Magnets, China → US: no figures.");
    let fired = [("2025-06", "2025-06"), ("2025-08", "2025-10")]
        .map(|(since, until)| Firing { since: period(since), until: Some(period(until)) });
    assert!(
        chart(US).with_firing(fired).alt().contains("Last fired from August 2025 to October 2025, and once before.")
    );
    let outside = Firing { since: period("2027-01"), until: None };
    assert!(!chart(US).with_firing([outside]).alt().contains("iring"));
}

#[test]
fn a_series_at_a_glance() {
    let spark = |script: &str| chart(script).spark(12);
    assert_eq!(spark(US), "▁▅█▇▅█▇▇·▆▅");
    assert_eq!(spark(MIXED), "▁▄▆▆▄▆·▅██·▄");
    assert_eq!((spark("2025-09 5"), spark("")), ("▅".to_owned(), String::new()));
    assert_eq!(spark("2025-05 -1.7e308, 2025-06 1.7e308, 2025-07 0"), "▁█▅");
    let many: String = (0..250).map(|n| format!("{} {n},", period("2000-01").offset(n))).collect();
    assert_eq!(spark(&many), "▂▂▃▃▄▅▅▆▆▇▇█");
}

#[test]
fn only_a_part_is_drawn_where_only_a_part_is_wanted() {
    let day = |text: &str| Some(period(text).first_day());
    let drawn = |chart: Chart| chart.figures.iter().map(|figure| figure.span.to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(drawn(chart(US).between(day("2025-09"), day("2025-12"))), "2025-09 2025-10 2025-11");
    assert_eq!(drawn(chart(US).last(2)), "2026-02 2026-03");
    let line = Line { name: "mean".to_owned(), values: Values::Each(vec![(period("2025-06"), 1.0)]) };
    assert_eq!(chart(US).with_line(line).last(2).lines, []);
    let abroad = Chart::new("", &history("2025-08 1").view(AsOf::Latest), chrono_tz::America::New_York);
    assert_eq!(abroad.published, [period("2025-09-19").first_day()], "midnight in London is the evening before");
    assert!(chart(US).last(2).due.is_some() && chart(US).between(None, day("2026-01")).due.is_none());
}
