//! As much of Markdown as the project's pages use: sections, fenced blocks, code in a line, links.

use std::path::Path;

/// A page of the project.
#[track_caller]
pub fn page(path: &str) -> String {
    let path = Path::new(super::sandbox::PROJECT).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A piece of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A fenced block with its language.
    Block(String, String),
    /// Everything between blocks.
    Text(String),
}

/// The text under a heading, up to the next one of its level.
#[track_caller]
pub fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    let level = heading.split(' ').next().unwrap_or_default();
    rest.split(&format!("\n{level} ")).next().unwrap_or_default()
}

/// A page's blocks and the texts between them, in order.
pub fn pieces(page: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (index, part) in page.split("```").enumerate() {
        if index % 2 == 0 {
            pieces.push(Piece::Text(part.to_owned()));
        } else {
            let (language, text) = part.split_once('\n').unwrap_or((part, ""));
            pieces.push(Piece::Block(language.trim().to_owned(), text.to_owned()));
        }
    }
    pieces
}

/// The code in the lines of a text, a line break within it as a space.
pub fn code(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(|code| code.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Where a page's links lead.
pub fn links(page: &str) -> Vec<String> {
    let texts = pieces(page).into_iter().filter_map(|piece| match piece {
        Piece::Text(text) => Some(text),
        Piece::Block(..) => None,
    });
    let of_text = |text: String| {
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        targets.map(|(target, _)| target.to_owned()).collect::<Vec<_>>()
    };
    texts.flat_map(of_text).collect()
}

#[test]
fn a_page_is_taken_apart() {
    let page = "# T\n## A\nsee [b](c.md) and `d\ne`\n```sh\necho [x](y)\n```\nend\n## B\nother\n";
    let section = section(page, "## A");
    let text = |text: &str| Piece::Text(text.to_owned());
    let block = Piece::Block("sh".into(), "echo [x](y)\n".into());
    assert_eq!(pieces(section), [text("see [b](c.md) and `d\ne`\n"), block, text("\nend")]);
    assert_eq!((links(page), code("see `d\ne` or `f`")), (vec!["c.md".to_owned()], vec!["d e".into(), "f".into()]));
}
