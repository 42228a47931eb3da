//! From tokens to a tree, by recursive descent.
//!
//! ```text
//! or         = and { "or" and }
//! and        = not { "and" not }
//! not        = "not" not | comparison
//! comparison = sum [ ( ">" | ">=" | "<" | "<=" | "==" | "!=" ) sum ]
//! sum        = product { ( "+" | "-" ) product }
//! product    = unary { ( "*" | "/" ) unary }
//! unary      = "-" unary | atom
//! atom       = number | percent | quantity | length | period | "(" or ")" | measure
//! measure    = name [ "(" [ argument { "," argument } ] ")" ]
//! argument   = [ name "=" ] or | label | label "=" text
//! label      = name | text
//! search     = or, whose atoms are text | name "=" text | "(" or ")"
//! ```
//! What a part means, and whether its types fit, is checked elsewhere.

mod search;

use std::ops::Range;

use super::measure::{MEASURES, Measure, Takes};
use super::syntax::{Argument, Node, NodeKind, Operator};
use super::token::{THOUSANDS, Token, TokenKind, tokens};
use super::{ExprError, advice};
use crate::base::limits::{EXPRESSION_DEPTH_MAX, EXPRESSION_PARTS_MAX, STREAK_DEPTH_MAX};
use crate::base::text::{list, printable, shorten};

/// Reads a whole expression.
pub fn parse(text: &str) -> Result<Node, ExprError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, parts: 0, streaks: 0, searching: false };
    if parser.peek().kind == TokenKind::End {
        let label = "expected a condition such as `declines >= 2`";
        let error = ExprError::new(0..text.len(), "the expression is empty", label);
        return Err(error.with_help("write `declines >= 2`, or another condition"));
    }
    let node = parser.or()?;
    match parser.peek().kind {
        TokenKind::End => Ok(node),
        _ => Err(parser.unexpected("expected `and`, `or` or the end")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    /// Brackets, `not` and `-` within one another here.
    depth: usize,
    /// Nodes so far.
    parts: usize,
    /// Streaks within one another here.
    streaks: usize,
    /// Whether a search is read: texts in quotes are then values.
    searching: bool,
}

impl Parser {
    fn peek(&self) -> &Token {
        // The last token is the end, which is never passed.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek().kind, TokenKind::Sign(found) if found == sign);
        self.at += usize::from(found);
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(&self.peek().kind, TokenKind::Name(found) if found == word);
        self.at += usize::from(found);
        found
    }

    /// One level deeper; brackets, `not` and `-` all count, so no text can exhaust the stack.
    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, ExprError>) -> Result<T, ExprError> {
        if self.depth >= EXPRESSION_DEPTH_MAX {
            return Err(too_deep(self.peek().span.clone()));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// One more node. A long chain is a deep tree, and whoever walks it needs a stack.
    fn node(&mut self, span: Range<usize>, kind: NodeKind) -> Result<Node, ExprError> {
        self.parts += 1;
        if self.parts > EXPRESSION_PARTS_MAX {
            return Err(too_many_parts(span));
        }
        Ok(Node { span, kind })
    }

    fn binary(&mut self, operator: Operator, left: Node, right: Node) -> Result<Node, ExprError> {
        let span = left.span.start..right.span.end;
        self.node(span, NodeKind::Binary(operator, Box::new(left), Box::new(right)))
    }

    fn or(&mut self) -> Result<Node, ExprError> {
        let mut left = self.and()?;
        while self.takes_word("or") {
            let right = self.and()?;
            left = self.binary(Operator::Or, left, right)?;
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Node, ExprError> {
        let mut left = self.not()?;
        while self.takes_word("and") {
            let right = self.not()?;
            left = self.binary(Operator::And, left, right)?;
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Node, ExprError> {
        let start = self.peek().span.start;
        if !self.takes_word("not") {
            return self.comparison();
        }
        let inner = self.deeper(Self::not)?;
        self.node(start..inner.span.end, NodeKind::Not(Box::new(inner)))
    }

    fn comparison(&mut self) -> Result<Node, ExprError> {
        let left = self.sum()?;
        let Some(operator) = self.comparison_sign()? else { return Ok(left) };
        let right = self.sum()?;
        let node = self.binary(operator, left, right)?;
        let next = self.peek().span.clone();
        if self.comparison_sign()?.is_some() {
            let message = "a comparison cannot be chained: join two with `and`";
            return Err(ExprError::new(next, message, "a second comparison").with_help("write `a < b and b < c`"));
        }
        Ok(node)
    }

    fn comparison_sign(&mut self) -> Result<Option<Operator>, ExprError> {
        let TokenKind::Sign(sign) = self.peek().kind else { return Ok(None) };
        if sign == "=" {
            return Err(self.single_equals());
        }
        let operator = Operator::comparison(sign);
        self.at += usize::from(operator.is_some());
        Ok(operator)
    }

    fn single_equals(&self) -> ExprError {
        let span = self.peek().span.clone();
        let error = ExprError::new(span.clone(), "`=` names an argument and compares nothing", "no comparison");
        let next = self.tokens.get(self.at + 1).filter(|next| next.span.start == span.end);
        match next.map(|next| &next.kind) {
            Some(TokenKind::Sign(">")) => error.with_help("write `>=`"),
            Some(TokenKind::Sign("<")) => error.with_help("write `<=`"),
            _ => error.with_help("write `==`"),
        }
    }

    fn sum(&mut self) -> Result<Node, ExprError> {
        let mut left = self.product()?;
        loop {
            let operator = if self.takes_sign("+") {
                Operator::Add
            } else if self.takes_sign("-") {
                Operator::Subtract
            } else {
                return Ok(left);
            };
            let right = self.product()?;
            left = self.binary(operator, left, right)?;
        }
    }

    fn product(&mut self) -> Result<Node, ExprError> {
        let mut left = self.unary()?;
        loop {
            let operator = if self.takes_sign("*") {
                Operator::Multiply
            } else if self.takes_sign("/") {
                Operator::Divide
            } else {
                return Ok(left);
            };
            let right = self.unary()?;
            left = self.binary(operator, left, right)?;
        }
    }

    fn unary(&mut self) -> Result<Node, ExprError> {
        let start = self.peek().span.start;
        if !self.takes_sign("-") {
            return self.atom();
        }
        let inner = self.deeper(Self::unary)?;
        self.node(start..inner.span.end, NodeKind::Negate(Box::new(inner)))
    }

    fn atom(&mut self) -> Result<Node, ExprError> {
        if self.searching && self.is_sought() {
            return self.sought();
        }
        let Token { kind, span } = self.peek().clone();
        let kind = match kind {
            TokenKind::Number(value) => NodeKind::Number(value),
            TokenKind::Percent(percent) => NodeKind::Percent(percent),
            TokenKind::Quantity(value, unit) => NodeKind::Quantity(value, unit),
            TokenKind::Length(length) => NodeKind::Length(length),
            TokenKind::Period(period) => NodeKind::Period(period),
            TokenKind::Sign("(") => return self.deeper(Self::bracketed),
            TokenKind::Name(name) if !matches!(name.as_str(), "and" | "or" | "not") => {
                return self.measure(&name, span);
            }
            TokenKind::Name(_) | TokenKind::Text(_) | TokenKind::Sign(_) | TokenKind::End => {
                return Err(self.unexpected("expected a measure, a number or a bracket"));
            }
        };
        self.at += 1;
        self.node(span, kind)
    }

    fn bracketed(&mut self) -> Result<Node, ExprError> {
        let start = self.take().span.start;
        let inner = self.or()?;
        if !self.takes_sign(")") {
            return Err(self.unclosed("expected `)`"));
        }
        let end = self.tokens[self.at - 1].span.end;
        Ok(Node { span: start..end, kind: inner.kind })
    }

    fn measure(&mut self, name: &str, span: Range<usize>) -> Result<Node, ExprError> {
        let measure = known(name, &span)?;
        self.at += 1;
        let walks = usize::from(measure.walks);
        self.streaks += walks;
        if self.streaks > STREAK_DEPTH_MAX {
            return Err(too_many_streaks(span));
        }
        let mut arguments = Vec::new();
        let mut end = span.end;
        if self.takes_sign("(") {
            let searching = std::mem::replace(&mut self.searching, measure.searches());
            arguments = self.deeper(|parser| parser.arguments(measure))?;
            self.searching = searching;
            end = self.tokens[self.at - 1].span.end;
        }
        self.streaks -= walks;
        let count = arguments.len();
        for (position, argument) in arguments.iter_mut().enumerate() {
            argument.slot = measure.slot(argument.name.as_deref(), position, count);
        }
        self.node(span.start..end, NodeKind::Measure(measure, arguments))
    }

    fn arguments(&mut self, measure: &'static Measure) -> Result<Vec<Argument>, ExprError> {
        let mut arguments = Vec::new();
        if self.takes_sign(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.argument(measure, arguments.len())?);
            if self.takes_sign(")") {
                return Ok(arguments);
            }
            if !self.takes_sign(",") {
                return Err(self.unclosed("expected `,` or `)`"));
            }
        }
    }

    fn argument(&mut self, measure: &'static Measure, position: usize) -> Result<Argument, ExprError> {
        if let Some(argument) = self.pick(measure)? {
            return Ok(argument);
        }
        let start = self.peek().span.start;
        let named = if self.is_picked(measure) { None } else { self.argument_name() };
        self.is_argument(measure, named.as_deref())?;
        let node = if self.is_label(measure, named.as_deref(), position) { self.label()? } else { self.or()? };
        Ok(Argument { name: named, span: start..node.span.end, slot: None, node })
    }

    /// `partner='CN'`, where the measure takes a label with a value.
    fn pick(&mut self, measure: &Measure) -> Result<Option<Argument>, ExprError> {
        let takes = measure.parameters.iter().any(|parameter| parameter.takes == Takes::Pick);
        let (TokenKind::Name(label) | TokenKind::Text(label), true) = (self.peek().kind.clone(), takes) else {
            return Ok(None);
        };
        let start = self.peek().span.start;
        match self.tokens.get(self.at + 1).map(|token| &token.kind) {
            Some(TokenKind::Sign("=")) => self.at += 2,
            Some(TokenKind::Sign("==")) => {
                self.at += 1;
                return Err(self.unexpected("expected `=`").with_help("a label's value is told by one `=`"));
            }
            _ => return Ok(None),
        }
        let TokenKind::Text(value) = self.peek().kind.clone() else {
            let help = format!("write it in quotes: {}='VALUE'", printable(&label));
            return Err(self.unexpected("expected a text in quotes").with_help(help));
        };
        let span = start..self.take().span.end;
        let node = self.node(span.clone(), NodeKind::Pick(label, value))?;
        Ok(Some(Argument { name: None, span, slot: None, node }))
    }

    /// The name in front of an argument, with its `=`.
    fn argument_name(&mut self) -> Option<String> {
        let next = self.tokens.get(self.at + 1).map(|token| &token.kind);
        let (TokenKind::Name(name), Some(TokenKind::Sign("="))) = (&self.peek().kind, next) else { return None };
        let name = name.clone();
        self.at += 2;
        Some(name)
    }

    /// Whether an argument is a label: where the measure takes one here; and where it takes one at all, a word
    /// that is no measure is a label in another's place.
    fn is_label(&self, measure: &Measure, name: Option<&str>, position: usize) -> bool {
        let slot = measure.slot(name, position, measure.parameters.len());
        let is_here = slot.is_some_and(|slot| measure.parameters[slot].takes.is_label());
        let is_word =
            |word: &str| !matches!(word, "and" | "or" | "not") && !MEASURES.iter().any(|measure| measure.name == word);
        let is_stray = || matches!(&self.peek().kind, TokenKind::Name(word) if is_word(word)) && takes_label(measure);
        is_here || is_stray()
    }

    /// Refuses what is no argument of a measure, where it is plain how it is written.
    fn is_argument(&self, measure: &Measure, name: Option<&str>) -> Result<(), ExprError> {
        let is_parameter = |word: &str| measure.parameters.iter().any(|parameter| parameter.name == word);
        match (&self.peek().kind, name) {
            (TokenKind::Name(word), None) if is_parameter(word) => {
                let error =
                    ExprError::new(self.peek().span.clone(), format!("`{word}` is an argument's name"), "no `=`");
                Err(error.with_help(format!("write `{word}=` before its value")))
            }
            (TokenKind::Text(_), Some(label)) if takes_label(measure) && !is_parameter(label) => {
                let label = shorten(&printable(label), 40);
                let (message, name) = (format!("`{}` is of all values of a label", measure.name), measure.name);
                let error = ExprError::new(self.peek().span.clone(), message, "one value of it");
                Err(error.with_help(format!("write `{name}({label})`, or `share({label}='VALUE')` for one part")))
            }
            _ => Ok(()),
        }
    }

    /// The name of a label; anything else is for the check to refuse.
    fn label(&mut self) -> Result<Node, ExprError> {
        let ends = matches!(self.tokens.get(self.at + 1).map(|token| &token.kind), Some(TokenKind::Sign("," | ")")));
        match self.peek().kind.clone() {
            TokenKind::Name(label) | TokenKind::Text(label) if ends => {
                let span = self.take().span;
                self.node(span, NodeKind::Label(label))
            }
            _ => self.or(),
        }
    }

    fn unexpected(&self, expected: &str) -> ExprError {
        let token = self.peek();
        let found = match &token.kind {
            TokenKind::End => "the expression ends too early".to_owned(),
            TokenKind::Sign("%") => "`%` belongs behind a number".to_owned(),
            TokenKind::Sign(sign) => format!("`{sign}` has no place here"),
            TokenKind::Name(name) => format!("`{}` has no place here", printable(name)),
            TokenKind::Text(_) => "a text has no place here".to_owned(),
            TokenKind::Length(_) => "a time has no place here".to_owned(),
            TokenKind::Period(_) => "a period has no place here".to_owned(),
            TokenKind::Number(_) | TokenKind::Percent(_) | TokenKind::Quantity(..) => {
                "a number has no place here".to_owned()
            }
        };
        ExprError::new(token.span.clone(), found, expected).with_help(self.instead())
    }

    /// What to write where a token has no place.
    fn instead(&self) -> String {
        let before = self.at.checked_sub(1).and_then(|before| self.tokens.get(before));
        let advice = match (&self.peek().kind, before.map(|before| &before.kind)) {
            (TokenKind::End, _) => "write what is missing, such as `declines >= 2`",
            (TokenKind::Sign("%"), _) => "a ratio is compared with a number and its sign: `change > 5%`",
            (TokenKind::Sign(","), Some(TokenKind::Number(_))) => THOUSANDS,
            (TokenKind::Sign(","), _) => "`,` stands between the arguments of a measure alone",
            (TokenKind::Sign(")"), _) => "take it away, or write what is missing before it",
            (TokenKind::Sign("*"), Some(TokenKind::Sign("*"))) => "there are no powers",
            (TokenKind::Sign(sign), _) => return format!("`{sign}` stands between two values"),
            (TokenKind::Name(word), _) if matches!(word.as_str(), "and" | "or") => {
                return format!("`{word}` stands between two conditions");
            }
            (TokenKind::Name(word), _) => {
                return advice::word(word).unwrap_or_else(|| "join two conditions by `and` or `or`".to_owned());
            }
            (TokenKind::Text(_), _) => "numbers, periods and measures are written without quotes",
            (
                TokenKind::Number(_)
                | TokenKind::Percent(_)
                | TokenKind::Quantity(..)
                | TokenKind::Length(_)
                | TokenKind::Period(_),
                _,
            ) => "between two values stands a comparison such as `>=`, or one of `+ - * /`",
        };
        advice.to_owned()
    }

    /// A bracket that does not end where it could.
    fn unclosed(&self, expected: &str) -> ExprError {
        let error = self.unexpected(expected);
        match self.peek().kind {
            TokenKind::End => error.with_help("close the bracket: write `)`"),
            _ => error,
        }
    }
}

// What recurses builds no messages: they would take up the stack at every level.

fn too_deep(span: Range<usize>) -> ExprError {
    let message = format!("an expression has at most {EXPRESSION_DEPTH_MAX} levels");
    ExprError::new(span, message, "too deep").with_help("take brackets away, or split it into several gates")
}

fn too_many_streaks(span: Range<usize>) -> ExprError {
    let message = format!("streaks stand at most {STREAK_DEPTH_MAX} deep within one another");
    ExprError::new(span, message, "too deep").with_help("take one of them away: what is counted may itself count, once")
}

fn too_many_parts(span: Range<usize>) -> ExprError {
    let message = format!("an expression has at most {EXPRESSION_PARTS_MAX} parts");
    ExprError::new(span, message, "too many numbers, measures and operators up to here")
        .with_help("split it into several gates, or several rules")
}

/// Whether a measure is told a label.
fn takes_label(measure: &Measure) -> bool {
    measure.parameters.iter().any(|parameter| parameter.takes.is_label())
}

fn known(name: &str, span: &Range<usize>) -> Result<&'static Measure, ExprError> {
    if let Some(measure) = MEASURES.iter().find(|measure| measure.name == name) {
        return Ok(measure);
    }
    let names = || MEASURES.iter().map(|measure| measure.name);
    let help = advice::name(name, names()).unwrap_or_else(|| format!("the measures are {}", list(names())));
    let message = format!("there is no measure `{}`", shorten(&printable(name), 40));
    Err(ExprError::new(span.clone(), message, "unknown").with_help(help))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::shown;
    use super::*;

    /// The tree with a bracket around every operation.
    fn tree(node: &Node) -> String {
        match &node.kind {
            NodeKind::Not(inner) => format!("[not {}]", tree(inner)),
            NodeKind::Negate(inner) => format!("[-{}]", tree(inner)),
            NodeKind::Binary(operator, left, right) => format!("[{} {} {}]", tree(left), operator.text(), tree(right)),
            _ => node.to_string(),
        }
    }

    #[test]
    fn what_binds_tighter() {
        let check = |text: &str, expected: &str| assert_eq!(tree(&parse(text).unwrap()), expected, "{text}");
        check("rises > 1 or rises > 2 and yoy > 1%", "[[rises > 1] or [[rises > 2] and [yoy > 1%]]]");
        check("not rises > 1 and yoy > 1%", "[[not [rises > 1]] and [yoy > 1%]]");
        check("1 + 2 * 3 - 4 > 5", "[[[1 + [2 * 3]] - 4] > 5]");
        check("8 / 4 / 2 > -value", "[[[8 / 4] / 2] > [-value]]");
        check("-value * 2 > 1", "[[[-value] * 2] > 1]");
        check("(1 + 2) * 3 > 5", "[[[1 + 2] * 3] > 5]");
        check("rises > 1 or rises > 2 or rises > 3", "[[[rises > 1] or [rises > 2]] or [rises > 3]]");
        check("declines == 2 and value ≠ 3 t", "[[declines == 2] and [value != 3 t]]");
    }

    #[test]
    fn every_part_knows_its_place() {
        let text = "(yoy < -25%) or declines(tol=5%) >= 2";
        let root = parse(text).unwrap();
        assert_eq!(&text[root.span.clone()], text);
        let NodeKind::Binary(_, left, right) = &root.kind else { panic!("{root}") };
        assert_eq!((&text[left.span.clone()], &text[right.span.clone()]), ("(yoy < -25%)", "declines(tol=5%) >= 2"));
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table, not a procedure")]
    fn what_cannot_be_read() {
        let texts = [
            "declines >=",
            "declines >= 2 2",
            "declines 2",
            "declines => 2",
            "declines = 2",
            "1 < declines < 3",
            "declins >= 2",
            "volume > 2 t",
            "(declines >= 2",
            "declines >= 2)",
            "declines(",
            "declines(5% >= 2",
            "mean(3,) > 2 t",
            "and declines >= 2",
            "declines >= 2 and",
            "not",
            "value > % 2",
            "value > 3 mo",
            "value > 3m",
            "value > 3 parsecs",
            "value > 1e999 t",
            "value && yoy",
            "!yoy",
            "share(partner = CN) > 70%",
            "share(partner == 'CN') > 70%",
            "share(partner = 'CN) > 70%",
            "value > 'CN'",
            "mean('3') > 2 t",
            "streak(streak(streak(yoy > 0%) > 1) > 1) > 1",
            "value > 2 t; drop",
            "Declines >= 2",
            "",
            "()",
            "> 2 t",
            "value > > 2 t",
            "declines 3mo",
            "declines 2025-08",
            "change% > 5",
            "value ** 2 > 5 t",
            "value^2 > 5 t",
            "value > 1,000 t",
            "value > 1'000 t",
            "value in (1 t, 2 t)",
            "value > 400 t if yoy > 5%",
            "declines >= 2 AND yoy < 0%",
            "declines >= two",
            "overdue = true",
            "overdue == true",
            "value > $400",
            "value > 400 usd",
            "value > 400 tons",
            "value > 400 metric tons",
            "yoy < -25pp",
            "zscore(24) < -2σ",
            "age > 45 d",
            "avg(12) > 5 t",
            "change_since('2025-08') > 5%",
            "declines(tol 5%) >= 2",
            "hhi(partner='CN') > 0.5",
            "value（3） > 5 t",
            "“CN”",
            "value > [5 t]",
            "declines >= 2 # twice",
            "value > ½",
        ];
        let error = |text: &str| {
            let error = parse(text).unwrap_err();
            assert!(error.help.is_some(), "{text}: {error:?} does not say what to write");
            shown(text, &error)
        };
        let told: Vec<String> = texts.into_iter().map(error).collect();
        insta::assert_snapshot!(told.join("\n\n"), @r#"
        declines >=
                   ^ expected a measure, a number or a bracket
          the expression ends too early
          help: write what is missing, such as `declines >= 2`

        declines >= 2 2
                      ^ expected `and`, `or` or the end
          a number has no place here
          help: between two values stands a comparison such as `>=`, or one of `+ - * /`

        declines 2
                 ^ expected `and`, `or` or the end
          a number has no place here
          help: between two values stands a comparison such as `>=`, or one of `+ - * /`

        declines => 2
                 ^ no comparison
          `=` names an argument and compares nothing
          help: write `>=`

        declines = 2
                 ^ no comparison
          `=` names an argument and compares nothing
          help: write `==`

        1 < declines < 3
                     ^ a second comparison
          a comparison cannot be chained: join two with `and`
          help: write `a < b and b < c`

        declins >= 2
        ^^^^^^^ unknown
          there is no measure `declins`
          help: did you mean `declines`?

        volume > 2 t
        ^^^^^^ unknown
          there is no measure `volume`
          help: write `value`: the figure of the series that the rule selects

        (declines >= 2
                      ^ expected `)`
          the expression ends too early
          help: close the bracket: write `)`

        declines >= 2)
                     ^ expected `and`, `or` or the end
          `)` has no place here
          help: take it away, or write what is missing before it

        declines(
                 ^ expected a measure, a number or a bracket
          the expression ends too early
          help: write what is missing, such as `declines >= 2`

        declines(5% >= 2
                        ^ expected `,` or `)`
          the expression ends too early
          help: close the bracket: write `)`

        mean(3,) > 2 t
               ^ expected a measure, a number or a bracket
          `)` has no place here
          help: take it away, or write what is missing before it

        and declines >= 2
        ^^^ expected a measure, a number or a bracket
          `and` has no place here
          help: `and` stands between two conditions

        declines >= 2 and
                         ^ expected a measure, a number or a bracket
          the expression ends too early
          help: write what is missing, such as `declines >= 2`

        not
           ^ expected a measure, a number or a bracket
          the expression ends too early
          help: write what is missing, such as `declines >= 2`

        value > % 2
                ^ expected a measure, a number or a bracket
          `%` belongs behind a number
          help: a ratio is compared with a number and its sign: `change > 5%`

        value > 3 mo
                  ^^ expected a unit
          `mo` is no unit
          help: a time is written without a space, such as `3mo`

        value > 3m
                 ^ expected a unit
          `m` is no unit
          help: a time is written without a space, such as `3mo`

        value > 3 parsecs
                  ^^^^^^^ expected a unit
          `parsecs` is no unit
          help: a unit is a mass (kg, t, kt, g, lb, oz, ozt, st, lt), money (an ISO 4217 code: USD, kUSD, MUSD), money per mass (CNY/t), an exchange rate (CNY/USD), `count`, `index` or `percent`

        value > 1e999 t
                ^^^^^ too large
          `1e999` is no finite number
          help: write a number below 1.8e308

        value && yoy
              ^ expected a measure, a number or a sign
          `&` has no meaning in an expression
          help: write `and`

        !yoy
        ^ expected a measure, a number or a sign
          `!` has no meaning in an expression
          help: write `not`; unequal is `!=`

        share(partner = CN) > 70%
                        ^^ expected a text in quotes
          `CN` has no place here
          help: write it in quotes: partner='VALUE'

        share(partner == 'CN') > 70%
                      ^^ expected `=`
          `==` has no place here
          help: a label's value is told by one `=`

        share(partner = 'CN) > 70%
                        ^^^^^^^^^^ expected `'`
          the text does not end
          help: write `'` at its end

        value > 'CN'
                ^^^^ expected a measure, a number or a bracket
          a text has no place here
          help: numbers, periods and measures are written without quotes

        mean('3') > 2 t
             ^^^ expected a measure, a number or a bracket
          a text has no place here
          help: numbers, periods and measures are written without quotes

        streak(streak(streak(yoy > 0%) > 1) > 1) > 1
                      ^^^^^^ too deep
          streaks stand at most 2 deep within one another
          help: take one of them away: what is counted may itself count, once

        value > 2 t; drop
                   ^ expected a measure, a number or a sign
          `;` has no meaning in an expression
          help: join conditions by `and`, or write them as a list

        Declines >= 2
        ^^^^^^^^ unknown
          there is no measure `Declines`
          help: did you mean `declines`?


        ^ expected a condition such as `declines >= 2`
          the expression is empty
          help: write `declines >= 2`, or another condition

        ()
         ^ expected a measure, a number or a bracket
          `)` has no place here
          help: take it away, or write what is missing before it

        > 2 t
        ^ expected a measure, a number or a bracket
          `>` has no place here
          help: `>` stands between two values

        value > > 2 t
                ^ expected a measure, a number or a bracket
          `>` has no place here
          help: `>` stands between two values

        declines 3mo
                 ^^^ expected `and`, `or` or the end
          a time has no place here
          help: between two values stands a comparison such as `>=`, or one of `+ - * /`

        declines 2025-08
                 ^^^^^^^ expected `and`, `or` or the end
          a period has no place here
          help: between two values stands a comparison such as `>=`, or one of `+ - * /`

        change% > 5
              ^ expected `and`, `or` or the end
          `%` belongs behind a number
          help: a ratio is compared with a number and its sign: `change > 5%`

        value ** 2 > 5 t
               ^ expected a measure, a number or a bracket
          `*` has no place here
          help: there are no powers

        value^2 > 5 t
             ^ expected a measure, a number or a sign
          `^` has no meaning in an expression
          help: there are no powers

        value > 1,000 t
                 ^ expected `and`, `or` or the end
          `,` has no place here
          help: thousands are written `1_000` or `1000`, decimals `1.5`

        value > 1'000 t
                 ^^^^^^ expected `'`
          the text does not end
          help: thousands are written `1_000` or `1000`, decimals `1.5`

        value in (1 t, 2 t)
              ^^ expected `and`, `or` or the end
          `in` has no place here
          help: write both bounds: `value > 100 t and value < 400 t`

        value > 400 t if yoy > 5%
                      ^^ expected `and`, `or` or the end
          `if` has no place here
          help: a rule is the condition alone; join several by `and` and `or`

        declines >= 2 AND yoy < 0%
                      ^^^ expected a unit
          `AND` is no unit
          help: write `and`

        declines >= two
                    ^^^ unknown
          there is no measure `two`
          help: the measures are `value`, `lag`, `change`, `diff`, `yoy`, `change_since`, `drawdown`, `runup`, `streak`, `declines`, `rises`, `mean`, `median`, `min`, `max`, `sum`, `stddev`, `zscore`, `robust_zscore`, `seasonal_zscore`, `percentile`, `slope`, `volatility`, `ytd`, `ytd_yoy`, `revision`, `age`, `overdue`, `share`, `top_share`, `hhi`, `count`, `new` and `ends_within`

        overdue = true
                ^ no comparison
          `=` names an argument and compares nothing
          help: write `==`

        overdue == true
                   ^^^^ unknown
          there is no measure `true`
          help: a condition stands by itself, such as `overdue` or `not overdue`

        value > $400
                ^ expected a measure, a number or a sign
          `$` has no meaning in an expression
          help: write the currency's code behind the number, such as `400 USD`

        value > 400 usd
                    ^^^ expected a unit
          `usd` is no unit
          help: write `USD`

        value > 400 tons
                    ^^^^ expected a unit
          `tons` is no unit
          help: write `t` for the tonne of 1000 kg, `st` for the short ton, `lt` for the long ton

        value > 400 metric tons
                    ^^^^^^ expected a unit
          `metric` is no unit
          help: write `t`

        yoy < -25pp
                 ^^ expected a unit
          `pp` is no unit
          help: write a ratio, such as `25%`

        zscore(24) < -2σ
                       ^ expected a unit
          `σ` is no unit
          help: a number of deviations is a bare number: write `2`

        age > 45 d
                 ^ expected a unit
          `d` is no unit
          help: a time is written without a space, such as `45d`

        avg(12) > 5 t
        ^^^ unknown
          there is no measure `avg`
          help: write `mean(12)`

        change_since('2025-08') > 5%
                     ^^^^^^^^^ expected a measure, a number or a bracket
          a text has no place here
          help: numbers, periods and measures are written without quotes

        declines(tol 5%) >= 2
                 ^^^ no `=`
          `tol` is an argument's name
          help: write `tol=` before its value

        hhi(partner='CN') > 0.5
                    ^^^^ one value of it
          `hhi` is of all values of a label
          help: write `hhi(partner)`, or `share(partner='VALUE')` for one part

        value（3） > 5 t
             ^ expected a measure, a number or a sign
          `（` has no meaning in an expression
          help: write `(`

        “CN”
        ^ expected a measure, a number or a sign
          `“` has no meaning in an expression
          help: write `"`

        value > [5 t]
                ^ expected a measure, a number or a sign
          `[` has no meaning in an expression
          help: brackets are round: write `(` and `)`

        declines >= 2 # twice
                      ^ expected a measure, a number or a sign
          `#` has no meaning in an expression
          help: a comment stands outside the quotes

        value > ½
                ^ expected a measure, a number or a sign
          `½` has no meaning in an expression
          help: take it away
        "#);
    }

    #[test]
    fn nothing_is_no_expression() {
        for text in ["", "  "] {
            let error = parse(text).unwrap_err();
            assert_eq!((error.message.as_str(), error.span), ("the expression is empty", 0..text.len()));
        }
    }

    #[test]
    fn a_word_in_a_labels_place_is_read_again() {
        for text in ["hhi(partner, stray) > 1", "top_share(3, partner) > 1%", "hhi('and', x) > 1"] {
            let node = parse(text).unwrap();
            assert_eq!(parse(&node.to_string()).unwrap(), node, "{text}");
        }
        assert!(parse("hhi(partner, and) > 1").is_err() && parse("top_share(3, not) > 1%").is_err());
    }

    fn chain(count: usize) -> String {
        vec!["rises > 1"; count].join(" or ")
    }

    #[test]
    fn limits_are_said() {
        let message = |text: &str| parse(text).unwrap_err().message;
        let helped = |text: &str| parse(text).unwrap_err().help.is_some();
        assert!([chain(100), "(".repeat(200), " ".repeat(10_001)].iter().all(|text| helped(text)));
        assert_eq!(message(&chain(100)), "an expression has at most 250 parts");
        assert_eq!(message(&"(".repeat(200)), "an expression has at most 64 levels");
        assert_eq!(message(&"not ".repeat(200)), "an expression has at most 64 levels");
        assert_eq!(message(&format!("{}1 > 0", "-".repeat(200))), "an expression has at most 64 levels");
        assert_eq!(message(&"lag(".repeat(200)), "an expression has at most 64 levels");
        assert_eq!(message(&" ".repeat(10_001)), "an expression has at most 10000 characters");
        assert!(parse(&chain(62)).is_ok() && parse(&chain(63)).is_err());
        assert!(parse(&format!("{}yoy > 0%{}", "(".repeat(64), ")".repeat(64))).is_ok());
        assert!(parse("streak(streak(yoy > 0%) > 1) > streak(rises > 1)").is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_an_error_or_an_expression(text in any::<String>()) {
            let _ = parse(&text).map(|node| node.to_string());
        }

        #[test]
        fn any_row_of_words_is_an_error_or_an_expression(words in prop::collection::vec(prop::sample::select(vec![
            "value", "declines", "lag", "streak", "mean", "and", "or", "not", "(", ")", ",", "=", "==", ">", "<=", "+",
            "-", "*", "/", "%", "2", "2.5e3", "5%", "400 t", "1 USD/kg", "3mo", "2025-08", "2025", "tol", "n", "'", "é",
        ]), 0..40)) {
            match parse(&words.join(" ")) {
                Ok(node) => prop_assert_eq!(&parse(&node.to_string()).expect("its own text"), &node),
                Err(error) => {
                    let text = words.join(" ");
                    prop_assert!(text.get(error.span.clone()).is_some(), "{text}: {error:?}");
                    prop_assert!(!error.message.is_empty() && !error.label.is_empty());
                }
            }
        }
    }
}
