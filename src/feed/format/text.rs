//! Bytes to text, strictly: a byte that the encoding does not know is an error, never a `\u{FFFD}` in a label.

use std::borrow::Cow;

use encoding_rs::{DecoderResult, Encoding, UTF_8};

use crate::feed::ParseError;

/// Decodes a body. A byte order mark (UTF-8, UTF-16) says more than the feed's own word.
pub fn decode<'b>(body: &'b [u8], encoding: &'static Encoding) -> Result<Cow<'b, str>, ParseError> {
    let (encoding, mark) = Encoding::for_bom(body).unwrap_or((encoding, 0));
    let bytes = &body[mark..];
    let wrong = |offset: usize| ParseError::Encoding { encoding: encoding.name().to_owned(), offset: mark + offset };
    // A zero byte is no text in any of these: it is UTF-16 without its mark, or no text at all.
    if let Some(zero) = bytes.iter().position(|byte| *byte == 0).filter(|_| encoding.is_ascii_compatible()) {
        return Err(wrong(zero));
    }
    if encoding == UTF_8 {
        return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| wrong(error.valid_up_to()));
    }
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.ok_or_else(|| wrong(first_fault(bytes, encoding)))
}

/// Decodes a file as its publisher writes it, or as UTF-8, in which spreadsheets save it again: text in the one that is
/// more than ASCII is not in the other.
pub fn decode_either<'b>(body: &'b [u8], encoding: &'static Encoding) -> Result<Cow<'b, str>, ParseError> {
    let encoding = if std::str::from_utf8(body).is_ok() { UTF_8 } else { encoding };
    decode(body, encoding).map_err(|error| match error {
        ParseError::Encoding { encoding, offset } => ParseError::Unfit {
            reason: format!("it is neither UTF-8 nor {encoding}: byte {offset} cannot be read"),
            help: "download it again, and do not save it with another program".to_owned(),
        },
        other => other,
    })
}

/// Where the first sequence begins that the encoding does not know.
fn first_fault(bytes: &[u8], encoding: &'static Encoding) -> usize {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut piece = [0_u8; 4096];
    let mut read = 0;
    loop {
        let (result, taken, _) = decoder.decode_to_utf8_without_replacement(&bytes[read..], &mut piece, true);
        read += taken;
        match result {
            DecoderResult::OutputFull => {}
            DecoderResult::InputEmpty => return read,
            DecoderResult::Malformed(length, after) => {
                return read.saturating_sub(usize::from(length) + usize::from(after));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{GB18030, SHIFT_JIS, UTF_16LE, WINDOWS_1252};

    use super::*;

    #[track_caller]
    fn check(body: &[u8], encoding: &'static Encoding, expected: Result<&str, usize>) {
        let offset = |error| match error {
            ParseError::Encoding { offset, .. } => offset,
            other => panic!("{other}"),
        };
        let decoded = decode(body, encoding).map_err(offset);
        assert_eq!(decoded.as_deref(), expected.as_ref().map(|text| *text));
    }

    #[test]
    fn publishers_encodings_are_read() {
        check("月份".as_bytes(), UTF_8, Ok("月份"));
        check("\u{FEFF}月份".as_bytes(), UTF_8, Ok("月份"));
        check(b"\xD4\xC2\xB7\xDD", GB18030, Ok("月份"));
        check(b"\x8C\x8E", SHIFT_JIS, Ok("月"));
        check(b"Mengen\x80\xFC", WINDOWS_1252, Ok("Mengen€ü"));
        check(b"\xFF\xFEA\0,\0", UTF_8, Ok("A,"));
        check(b"\xFE\xFF\0A\0,", GB18030, Ok("A,"));
        check(b"A\0,\0", UTF_16LE, Ok("A,"));
    }

    #[test]
    fn a_wrong_byte_has_its_place() {
        check(b"a,\xFF\n", UTF_8, Err(2));
        check(b"\xEF\xBB\xBFa,\xFF\n", UTF_8, Err(5));
        check(b"\xD4\xC2,\xFF", GB18030, Err(3));
        check(b"abc\xD4", GB18030, Err(3));
        check(b"ab\x81\x01", SHIFT_JIS, Err(2));
        check(b"A\0,\0", UTF_8, Err(1));
        let mut long = vec![b'a'; 10_000];
        long.push(0xFF);
        check(&long, SHIFT_JIS, Err(10_000));
        let error = decode(b"\xFF", UTF_8).unwrap_err().to_string();
        assert_eq!(error, "the response is not UTF-8: byte 0 cannot be read; set `encoding`");
    }
}
