//! The HTML part of a mail: tables and inline styles, since some mail programs lay out by a word
//! processor's engine; colours that hold in light and dark; every text escaped.
//!
//! It says what the text part says, and stays under the size at which webmail cuts a message.

use super::super::look::{self, Tone, line};
use super::super::picture::{Picture, Size};
use super::super::{Parcel, REPEAT, layout};
use crate::outbox::{Brief, ItemLine, Message};

/// Items of one kind that are shown, at most.
const ITEMS_MAX: usize = 10;
/// Characters of a title, a paragraph, a cell, at most.
const TITLE_MAX: usize = 300;
/// See [`TITLE_MAX`].
const TEXT_MAX: usize = 1500;
/// See [`TITLE_MAX`].
const CELL_MAX: usize = 80;
/// Characters of an item, and how much else the message tells, at most: the first with which the document is small
/// enough, else the last.
const ROOMS: [(usize, usize); 3] = [(TEXT_MAX, 100), (400, 40), (100, 15)];
/// Stretches of code in a text, at most.
const CODES_MAX: usize = 10;
/// Bytes of a document, at most: webmail cuts a message at 102 KB.
const BYTES_MAX: usize = 100_000;

const FONT: &str = "Arial,Helvetica,sans-serif";

/// Mail programs that know dark mode take these; the others keep the light colours, inline.
const STYLE: &str = "\
:root{color-scheme:light dark;supported-color-schemes:light dark}\
@media (prefers-color-scheme:dark){\
.page{background-color:#101214!important}\
.card{background-color:#1b1e22!important}\
.ink{color:#e6e8ea!important}\
.dim{color:#a4acb5!important}\
.line{border-color:#3a4048!important}}\
@media (max-width:620px){.card{width:100%!important}}";

/// How a mail's chart is drawn: as wide as the card without its padding.
pub const CHART: Size = Size { width: 568, bytes: 100_000 };

/// A chart that comes with the mail.
pub struct Inline {
    /// How the document names it: the Content-ID without its angle brackets.
    pub cid: String,
    /// The picture.
    pub picture: Picture,
}

/// The whole document, with the chart that comes with the mail.
pub fn render(parcel: Parcel<'_>, picture: Option<&Inline>) -> String {
    let [whole, shorter, shortest] = ROOMS;
    let fits = |document: &String| document.len() <= BYTES_MAX;
    let longer = [whole, shorter].into_iter().map(|room| document(parcel, picture, room)).find(fits);
    longer.unwrap_or_else(|| document(parcel, picture, shortest))
}

/// The document, with so many characters of each item, and so much of what else it tells.
fn document(parcel: Parcel<'_>, picture: Option<&Inline>, (item_max, others_max): (usize, usize)) -> String {
    let message = parcel.message();
    let rows = [
        banner(message),
        row("padding:16px 20px 0", "ink", 19, true, &line(&message.title, TITLE_MAX)),
        row("padding:6px 20px 0", "dim", 13, false, if parcel.maybe_delivered { REPEAT } else { "" }),
        row("padding:8px 20px 0", "ink", 15, false, &look::summary(message, TEXT_MAX).join("\n")),
        others(message, others_max),
        picture.map(image).unwrap_or_default(),
        items(message, item_max),
        table(message),
        fields(message),
    ];
    let (style, title) = (STYLE, escape(&line(&message.title, TITLE_MAX)));
    let (preheader, body) = (escape(&line(&message.summary, 200)), rows.concat());
    format!(
        "<!doctype html>\n\
        <html lang=\"en\"><head><meta charset=\"utf-8\">\
        <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
        <meta name=\"color-scheme\" content=\"light dark\">\
        <meta name=\"supported-color-schemes\" content=\"light dark\">\
        <title>{title}</title><style>{style}</style></head>\n\
        <body class=\"page\" style=\"margin:0;padding:0;background-color:#f3f4f6\">\n\
        <div style=\"display:none;max-height:0;overflow:hidden\">{preheader}</div>\n\
        <table role=\"presentation\" class=\"page\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" \
        bgcolor=\"#f3f4f6\" style=\"background-color:#f3f4f6\"><tr><td align=\"center\" style=\"padding:16px 8px\">\n\
        <table role=\"presentation\" class=\"card\" width=\"600\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" \
        bgcolor=\"#ffffff\" style=\"width:600px;max-width:600px;background-color:#ffffff\">\n\
        {body}</table>\n</td></tr></table>\n</body></html>\n"
    )
}

/// The word that says how things stand, on its colour: never the colour alone.
fn banner(message: &Message) -> String {
    let (tone, word) = (Tone::of(message), escape(&look::word(message)));
    let (colour, mark) = (tone.colour(), tone.mark());
    format!(
        "<tr><td bgcolor=\"{colour}\" style=\"padding:8px 20px;background-color:{colour};color:#ffffff;\
        font-family:{FONT};font-size:14px;line-height:20px;font-weight:bold\">{mark}&nbsp;{word}</td></tr>\n"
    )
}

/// A row of text over the whole width; nothing where there is no text.
fn row(padding: &str, class: &str, size: u32, bold: bool, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let (style, text) = (font(class, size, bold), prose(text).replace('\n', "<br>"));
    format!("<tr><td class=\"{class}\" style=\"{padding};{style}\">{text}</td></tr>\n")
}

/// Font and colour; words too long for a line break, so that nothing widens the page.
fn font(class: &str, size: u32, bold: bool) -> String {
    let colour = if class == "dim" { "#5b6570" } else { "#16191d" };
    let (height, weight) = (size + size / 2, if bold { "bold" } else { "normal" });
    format!(
        "font-family:{FONT};font-size:{size}px;line-height:{height}px;font-weight:{weight};color:{colour};\
        word-break:break-word"
    )
}

/// The chart; where pictures are not shown, what it says. Its ground is its own, so that it holds in the dark.
fn image(inline: &Inline) -> String {
    let (width, cid, alt) = (CHART.width, escape(&inline.cid), escape(&inline.picture.alt));
    let style = font("dim", 13, false);
    format!(
        "<tr><td class=\"dim\" style=\"padding:16px 16px 0;{style}\">\
        <img src=\"cid:{cid}\" width=\"{width}\" alt=\"{alt}\" style=\"display:block;width:100%;max-width:{width}px;\
        height:auto;border:0;background-color:#ffffff;{style}\"></td></tr>\n"
    )
}

/// What else the message tells, each in a row that leads to its page.
fn others(message: &Message, most: usize) -> String {
    let (shown, more) = look::some(&message.others, most);
    if shown.is_empty() {
        return String::new();
    }
    let style = font("ink", 14, false);
    let told = |brief: &Brief| {
        let said = escape(&line(&look::other(brief), TITLE_MAX));
        let said = match brief.url.as_deref().filter(|url| layout::is_address(url)) {
            Some(url) => format!("<a href=\"{}\" class=\"ink\" style=\"{style}\">{said}</a>", escape(url)),
            None => said,
        };
        format!(
            "<tr><td class=\"ink line\" style=\"padding:5px 0;border-top:1px solid #d9dde2;{style}\">{said}</td></tr>\n"
        )
    };
    let rows: String = shown.iter().map(told).collect();
    let more = more.map(|more| row("padding:5px 0", "dim", 14, false, &more)).unwrap_or_default();
    let head = row("padding:0 0 5px", "dim", 13, false, "Also in this message:");
    format!(
        "<tr><td style=\"padding:16px 20px 0\">\
        <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\">\n{head}{rows}{more}\
        </table></td></tr>\n"
    )
}

/// The items; the mail program makes links of their addresses, which are whole or not there.
fn items(message: &Message, item_max: usize) -> String {
    let told = |item: &ItemLine| {
        let text = line(&look::item(item), item_max);
        let url = item.url.as_deref().filter(|url| url.len() <= item_max.max(300));
        url.map_or_else(|| text.clone(), |url| format!("{text} {}", line(url, TEXT_MAX)))
    };
    let shown = &message.items[..message.items.len().min(ITEMS_MAX)];
    let left_out = message.items.len() - shown.len() + message.items_left_out;
    let texts = shown.iter().map(told).chain(look::and_more(left_out));
    texts.map(|text| row("padding:10px 20px 0", "ink", 14, false, &text)).collect()
}

/// The last periods; the note of a period stands under it.
fn table(message: &Message) -> String {
    if message.table.is_empty() {
        return String::new();
    }
    let rows: Vec<[String; 6]> =
        message.table.iter().map(|row| look::cells(row).map(|cell| line(&cell, CELL_MAX))).collect();
    let used: Vec<usize> = (0..5).filter(|column| rows.iter().any(|row| !row[*column].is_empty())).collect();
    let headings: String = used.iter().map(|column| cell("th", "dim", *column, look::HEADINGS[*column])).collect();
    let body: String = rows.iter().map(|row| table_row(row, &used)).collect();
    format!(
        "<tr><td style=\"padding:16px 20px 0\">\
        <table width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"border-collapse:collapse\">\n\
        <tr>{headings}</tr>\n{body}</table></td></tr>\n"
    )
}

fn table_row(row: &[String; 6], used: &[usize]) -> String {
    let cells: String = used.iter().map(|column| cell("td", "ink", *column, &row[*column])).collect();
    let note = &row[5];
    let note = if note.is_empty() {
        String::new()
    } else {
        let (style, span) = (font("dim", 12, false), used.len());
        format!(
            "<tr><td class=\"dim\" colspan=\"{span}\" style=\"padding:0 8px 6px 0;{style}\">{}</td></tr>\n",
            escape(note)
        )
    };
    format!("<tr>{cells}</tr>\n{note}")
}

fn cell(tag: &str, class: &str, column: usize, text: &str) -> String {
    let align = if column == 1 || column == 2 { "right" } else { "left" };
    // The first column stands below the text above it.
    let left = if column == 0 { 0 } else { 8 };
    let scope = if tag == "th" { " scope=\"col\"" } else { "" };
    let (style, text) = (font(class, 14, column == 1 && tag == "td"), escape(text));
    format!(
        "<{tag}{scope} class=\"{class} line\" align=\"{align}\" style=\"padding:5px 8px 5px {left}px;border-top:1px solid #d9dde2;\
        text-align:{align};{style}\">{text}</{tag}>"
    )
}

/// Everything that has a name.
fn fields(message: &Message) -> String {
    let gates: Vec<String> = message
        .gates
        .iter()
        .map(|gate| format!("{} {} {}: {}", look::gate_mark(gate), gate.text, gate.verdict, gate.value))
        .collect();
    let fields: [(&str, Vec<String>); 8] = [
        ("Said before", look::said(message).into_iter().collect()),
        ("Revised", look::revisions(message)),
        ("Why", gates),
        ("Clears", message.clears.clone().into_iter().collect()),
        ("Source", look::sources(message)),
        ("Rule", vec![look::rule(message)]),
        ("Series", vec![look::series(message)]),
        ("Alert", vec![look::identity(message)]),
    ];
    let page = look::page(message).map(|page| linked("Page", page)).unwrap_or_default();
    let rows: String = fields.iter().map(|(label, values)| field(label, values)).chain([page]).collect();
    format!(
        "<tr><td style=\"padding:16px 20px 20px\">\
        <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\">\n{rows}</table>\
        </td></tr>\n"
    )
}

fn field(label: &str, values: &[String]) -> String {
    let (shown, more) = look::some(values, ITEMS_MAX);
    let texts = shown.iter().map(String::as_str).chain(more.as_deref()).filter(|text| !text.is_empty());
    // One long text may be long; ten of them share the room.
    let room = TEXT_MAX / values.len().clamp(1, ITEMS_MAX);
    let lines: Vec<String> = texts.map(|text| prose(&line(text, room))).collect();
    if lines.is_empty() { String::new() } else { named(label, &lines.join("<br>")) }
}

/// A named field that leads to an address on the web.
fn linked(label: &str, address: &str) -> String {
    let address = escape(address);
    let style = "color:#1f6feb;word-break:break-all";
    named(label, &format!("<a href=\"{address}\" style=\"{style}\">{address}</a>"))
}

/// A name, and HTML that goes with it.
fn named(label: &str, html: &str) -> String {
    let (dim, ink, text) = (font("dim", 13, false), font("ink", 13, false), html);
    format!(
        "<tr><td class=\"dim\" width=\"96\" valign=\"top\" style=\"padding:3px 8px 3px 0;width:96px;{dim}\">{label}</td>\
        <td class=\"ink\" valign=\"top\" style=\"padding:3px 0;{ink}\">{text}</td></tr>\n"
    )
}

/// Text for HTML between tags; what stands in backquotes is shown as code.
fn prose(text: &str) -> String {
    let pieces: Vec<String> = text.split('`').map(escape).collect();
    // One that has no other is a sign like any other; and a text of nothing but signs is not to grow tenfold.
    if pieces.len().is_multiple_of(2) || pieces.len() > 2 * CODES_MAX + 1 {
        return escape(text);
    }
    let code = |(index, piece): (usize, String)| match index % 2 {
        0 => piece,
        _ => format!("<code style=\"font-family:Consolas,Menlo,monospace;font-size:95%\">{piece}</code>"),
    };
    pieces.into_iter().enumerate().map(code).collect()
}

/// Text for HTML, between tags or in a quoted attribute.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::double::{corrected, delivery, fired, gathered, noticed, parcel, resolved};

    fn html(message: Message) -> String {
        render(parcel(&delivery(message)), None)
    }

    /// The text between the tags, a line per row.
    fn words(html: &str) -> String {
        let body = html.split_once("<body").unwrap().1.split_once('>').unwrap().1;
        let mut text = String::new();
        let mut tag = false;
        for c in body.replace("</td>", " | ").replace("</th>", " | ").chars() {
            match c {
                '<' => tag = true,
                '>' => tag = false,
                c if !tag => text.push(c),
                _ => {}
            }
        }
        let lines = text.lines().map(|line| line.trim_matches([' ', '|'])).filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_stands_in_backquotes_is_code() {
        let html = html(resolved());
        assert!(html.contains("monospace;font-size:95%\">declines &gt;= 2</code> no longer holds"), "{html}");
        assert_eq!(prose("a ` <b>"), "a ` &lt;b&gt;");
        assert!(prose("`<i>` b").ends_with(">&lt;i&gt;</code> b"));
        assert_eq!(prose(&"`".repeat(1000)), "`".repeat(1000));
    }

    #[test]
    fn an_alert_says_all_of_it() {
        insta::assert_snapshot!(words(&html(fired())), @"
        July 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 20 October 2025.
        ▲&nbsp;CRITICAL
        China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %
        July 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 20 October 2025.
        period | value | change | known since
        2025-04 | —
        not published
        2025-05 | 46.4 t |  | 2025-06-20
        2025-06 | 353 t | +660.8 % | 2025-07-20
        2025-07 | 619 t | +75.4 % | 2025-08-20
        2025-08 | 590 t | −4.7 % | 2025-09-20
        2025-09 | 420.5 t | −28.7 % | 2025-10-20
        Why | ✓ declines &gt;= 2 holds: declines = 2
        Clears | ends when declines &gt;= 2 no longer holds
        Source | china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule | magnet-exports-falling: declines &gt;= 2
        Series | feed china-magnets, hs 85051110, partner US, reporter CN
        Alert | 9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0
        ");
    }

    #[test]
    fn what_else_the_message_tells_is_a_row_each() {
        let text = html(gathered());
        let also = words(&text);
        insta::assert_snapshot!(also.split_once("Also").unwrap().1.split_once("period").unwrap().0, @"
         in this message:
        ▲ WARNING: China → Germany: &lt;b&gt;magnets&lt;/b&gt; fell for a 2nd month: 12 t in September 2025
        ✓ RESOLVED: China → Japan: magnets no longer fall: 40 t in October 2025, +56 %
        ");
        assert!(text.contains("<a href=\"https://watch.example/alerts/1\""));
        let many = html(Message { others: vec![gathered().others[0].clone(); 1000], ..fired() });
        assert!(many.len() <= BYTES_MAX && many.contains("… and 901 more"), "{}", many.len());
    }

    #[test]
    fn a_correction_says_what_was_and_what_is() {
        let text = words(&html(corrected()));
        for expected in ["✎&nbsp;CORRECTED", "Said before", "2025-09: was 420.5 t, is 600 t since 2025-11-20"] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert!(words(&html(resolved())).contains("✓&nbsp;RESOLVED"));
    }

    #[test]
    fn what_may_be_a_repeat_says_so() {
        let delivery = delivery(fired());
        assert!(render(Parcel { maybe_delivered: true, ..parcel(&delivery) }, None).contains("(may be a repeat)"));
        assert!(!html(fired()).contains("repeat"));
    }

    #[test]
    fn markup_in_a_text_stays_text() {
        let evil = "<script>alert(1)</script><img src=x onerror=\"y\">&amp;'";
        let mut message = Message { title: evil.to_owned(), summary: evil.to_owned(), ..fired() };
        message.table[0].value = evil.to_owned();
        message.gates[0].text = evil.to_owned();
        message.sources[0].url = evil.to_owned();
        let html = html(message);
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("onerror=\""));
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(html.contains("&amp;amp;&#39;"));
    }

    #[test]
    fn it_holds_where_styles_are_poor_and_at_night() {
        let html = html(fired());
        assert!(html.contains(r#"<meta name="color-scheme" content="light dark">"#));
        assert!(html.contains("prefers-color-scheme:dark") && html.contains(r##"bgcolor="#ffffff""##));
        for absent in ["<script", "display:flex", "position:", "rgba(", "url(", "http"] {
            assert!(!html.contains(absent), "{absent}");
        }
    }

    #[test]
    fn the_page_can_be_followed_and_nothing_else() {
        let url = |url: &str| html(Message { url: Some(url.to_owned()), ..fired() });
        let good = url("https://watch.example/alerts/1?a=b&c=\"d");
        assert!(good.contains("<a href=\"https://watch.example/alerts/1?a=b&amp;c=&#34;d\""), "{good}");
        for bad in ["javascript:alert(1)", "https://a b", "https://a\n"] {
            assert!(!url(bad).contains("<a "), "{bad}");
        }
    }

    #[test]
    fn it_stays_below_what_webmail_cuts() {
        let wide = "&\"<".repeat(4000);
        let mut message = Message { title: wide.clone(), summary: wide.clone(), rule_text: wide.clone(), ..fired() };
        message.table = std::iter::repeat_n(message.table[5].clone(), 14).collect();
        message.table.iter_mut().for_each(|row| row.note = Some(wide.clone()));
        message.gates = std::iter::repeat_n(message.gates[0].clone(), 50).collect();
        message.gates.iter_mut().for_each(|gate| gate.text = wide.clone());
        let html = html(message);
        assert!(html.len() < 102_000, "{}", html.len());
        assert!(html.contains("… and 41 more"));
    }

    /// Items are told shorter rather than cut off by the reader's program; their addresses are whole or not there.
    #[test]
    fn many_long_items_stay_below_the_size_at_which_webmail_cuts() {
        let one = ItemLine {
            title: "&".repeat(1000),
            summary: "&".repeat(5000),
            url: Some(format!("https://a.example/{}", "x".repeat(250))),
            ..noticed().items[0].clone()
        };
        let mut message = noticed();
        (message.items, message.items_left_out) = (vec![one; 20], 0);
        (message.summary, message.rule_text) = ("&".repeat(5000), "&".repeat(5000));
        message.clears = Some("&".repeat(5000));
        let long = html(Message { items: message.items[..3].to_vec(), ..message.clone() });
        assert!(long.contains(&"&amp;".repeat(900)), "a few are told whole");
        let many = html(message.clone());
        assert!(many.matches("&amp;").count() < 10_000, "many are not");
        assert!(many.len() <= BYTES_MAX && many.contains("… and 10 more"), "{}", many.len());
        assert_eq!(many.matches(message.items[0].url.as_deref().unwrap()).count(), 10);
    }
}
