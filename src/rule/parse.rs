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
//! ```
//! What a part means, and whether its types fit, is checked elsewhere.

use std::ops::Range;

use super::ExprError;
use super::measure::{MEASURES, Measure, Takes};
use super::syntax::{Argument, Node, NodeKind, Operator};
use super::token::{Token, TokenKind, tokens};
use crate::base::limits::{EXPRESSION_DEPTH_MAX, EXPRESSION_PARTS_MAX, STREAK_DEPTH_MAX};
use crate::base::text::{list, nearest, printable, shorten};

/// Reads a whole expression.
pub fn parse(text: &str) -> Result<Node, ExprError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, parts: 0, streaks: 0 };
    if parser.peek().kind == TokenKind::End {
        let label = "expected a condition such as `declines >= 2`";
        return Err(ExprError::new(0..text.len(), "the expression is empty", label));
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
            let message = format!("an expression has at most {EXPRESSION_DEPTH_MAX} levels");
            return Err(ExprError::new(self.peek().span.clone(), message, "too deep"));
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
            let message = format!("an expression has at most {EXPRESSION_PARTS_MAX} parts");
            return Err(ExprError::new(span, message, "too many numbers, measures and operators up to here")
                .with_help("split it into several gates, or several rules"));
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
            return Err(self.unexpected("expected `)`"));
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
            let message = format!("streaks stand at most {STREAK_DEPTH_MAX} deep within one another");
            return Err(ExprError::new(span, message, "too deep"));
        }
        let mut arguments = Vec::new();
        let mut end = span.end;
        if self.takes_sign("(") {
            arguments = self.deeper(|parser| parser.arguments(measure))?;
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
                return Err(self.unexpected("expected `,` or `)`"));
            }
        }
    }

    fn argument(&mut self, measure: &'static Measure, position: usize) -> Result<Argument, ExprError> {
        if let Some(argument) = self.pick(measure)? {
            return Ok(argument);
        }
        let named = match (&self.peek().kind, self.tokens.get(self.at + 1).map(|token| &token.kind)) {
            (TokenKind::Name(name), Some(TokenKind::Sign("="))) => Some(name.clone()),
            _ => None,
        };
        let start = self.peek().span.start;
        if named.is_some() {
            self.at += 2;
        }
        let slot = measure.slot(named.as_deref(), position, measure.parameters.len());
        let of_label = |slot: usize| matches!(measure.parameters[slot].takes, Takes::Label | Takes::Pick);
        let node = if slot.is_some_and(of_label) { self.label()? } else { self.or()? };
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
            TokenKind::Number(_)
            | TokenKind::Percent(_)
            | TokenKind::Quantity(..)
            | TokenKind::Length(_)
            | TokenKind::Period(_) => "a number has no place here".to_owned(),
        };
        ExprError::new(token.span.clone(), found, expected)
    }
}

fn known(name: &str, span: &Range<usize>) -> Result<&'static Measure, ExprError> {
    if let Some(measure) = MEASURES.iter().find(|measure| measure.name == name) {
        return Ok(measure);
    }
    let names = || MEASURES.iter().map(|measure| measure.name);
    let help = match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the measures are {}", list(names())),
    };
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
        ];
        let told: Vec<String> = texts.into_iter().map(|text| shown(text, &parse(text).unwrap_err())).collect();
        insta::assert_snapshot!(told.join("\n\n"), @r#"
        declines >=
                   ^ expected a measure, a number or a bracket
          the expression ends too early

        declines >= 2 2
                      ^ expected `and`, `or` or the end
          a number has no place here

        declines 2
                 ^ expected `and`, `or` or the end
          a number has no place here

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
          help: did you mean `value`?

        (declines >= 2
                      ^ expected `)`
          the expression ends too early

        declines >= 2)
                     ^ expected `and`, `or` or the end
          `)` has no place here

        declines(
                 ^ expected a measure, a number or a bracket
          the expression ends too early

        declines(5% >= 2
                        ^ expected `,` or `)`
          the expression ends too early

        mean(3,) > 2 t
               ^ expected a measure, a number or a bracket
          `)` has no place here

        and declines >= 2
        ^^^ expected a measure, a number or a bracket
          `and` has no place here

        declines >= 2 and
                         ^ expected a measure, a number or a bracket
          the expression ends too early

        not
           ^ expected a measure, a number or a bracket
          the expression ends too early

        value > % 2
                ^ expected a measure, a number or a bracket
          `%` belongs behind a number

        value > 3 mo
                  ^^ no unit
          `mo` is no known unit: expected a mass (kg, t, kt, g, lb, oz, ozt, st, lt), money (an ISO 4217 code, such as USD, kUSD or MUSD), money per mass (CNY/t), an exchange rate (CNY/USD), `count`, `index` or `percent`
          help: a time is written without a space, such as `3mo`

        value > 3m
                 ^ no unit
          `m` is no known unit: expected a mass (kg, t, kt, g, lb, oz, ozt, st, lt), money (an ISO 4217 code, such as USD, kUSD or MUSD), money per mass (CNY/t), an exchange rate (CNY/USD), `count`, `index` or `percent`
          help: a time is written without a space, such as `3mo`

        value > 3 parsecs
                  ^^^^^^^ no unit
          `parsecs` is no known unit: expected a mass (kg, t, kt, g, lb, oz, ozt, st, lt), money (an ISO 4217 code, such as USD, kUSD or MUSD), money per mass (CNY/t), an exchange rate (CNY/USD), `count`, `index` or `percent`

        value > 1e999 t
                ^^^^^ too large
          `1e999` is no finite number

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
                        ^^^^^^^^^^ expected `'` at its end
          the text does not end

        value > 'CN'
                ^^^^ expected a measure, a number or a bracket
          a text has no place here

        mean('3') > 2 t
             ^^^ expected a measure, a number or a bracket
          a text has no place here

        streak(streak(streak(yoy > 0%) > 1) > 1) > 1
                      ^^^^^^ too deep
          streaks stand at most 2 deep within one another

        value > 2 t; drop
                   ^ expected a measure, a number or a sign
          `;` has no meaning in an expression

        Declines >= 2
        ^^^^^^^^ unknown
          there is no measure `Declines`
          help: did you mean `declines`?
        "#);
    }

    #[test]
    fn nothing_is_no_expression() {
        for text in ["", "  "] {
            let error = parse(text).unwrap_err();
            assert_eq!((error.message.as_str(), error.span), ("the expression is empty", 0..text.len()));
        }
    }

    fn chain(count: usize) -> String {
        vec!["rises > 1"; count].join(" or ")
    }

    #[test]
    fn limits_are_said() {
        let message = |text: &str| parse(text).unwrap_err().message;
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
