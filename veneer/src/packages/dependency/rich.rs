//! rpm's boolean dependencies, `(a >= 1 or (b with c) if d else e)`: rpm-dependencies(7). What cannot be read is
//! unknown, never an error; depth is bounded.

use super::{Capability, Op, Qualifier, Wants};

/// Nobody nests so deep.
const DEPTH: usize = 16;

/// Reads a dependency in parentheses.
pub(super) fn parse(text: &str) -> Wants {
    let mut rest = text;
    match group(&mut rest, DEPTH) {
        Some(wants) if rest.trim().is_empty() => wants,
        _ => Wants::Unknown,
    }
}

/// `( operand [word operand]… )`. One word only, again and again where it can be: and, or, with; else after if, unless.
fn group(rest: &mut &str, depth: usize) -> Option<Wants> {
    *rest = rest.trim_start().strip_prefix('(')?;
    let depth = depth.checked_sub(1)?;
    let first = operand(rest, depth)?;
    if close(rest) {
        return Some(first);
    }
    let joint = word(rest)?;
    let mut operands = vec![first, operand(rest, depth)?];
    while !close(rest) {
        let next = word(rest)?;
        let may_follow = match joint {
            "and" | "or" | "with" => next == joint,
            "if" | "unless" => next == "else" && operands.len() == 2,
            _ => false,
        };
        if !may_follow {
            return None;
        }
        operands.push(operand(rest, depth)?);
    }
    Some(match joint {
        "and" => Wants::All(operands),
        "or" => Wants::Any(operands),
        "with" => Wants::Together(operands),
        _ => {
            let mut operands = operands.into_iter().map(Box::new);
            let (what, when, otherwise) = (operands.next()?, operands.next()?, operands.next());
            match joint {
                "if" => Wants::If { what, when, otherwise },
                "unless" => Wants::Unless { what, when, otherwise },
                "without" => Wants::Without(what, when),
                _ => return None,
            }
        }
    })
}

/// A group, or `name [sign version]`.
fn operand(rest: &mut &str, depth: usize) -> Option<Wants> {
    if rest.trim_start().starts_with('(') {
        return group(rest, depth);
    }
    let name = word(rest)?.to_owned();
    let mut ahead = *rest;
    let mut version = None;
    if let Some(op) = word(&mut ahead).and_then(Op::from_sign) {
        version = Some((op, word(&mut ahead)?.to_owned()));
        *rest = ahead;
    }
    Some(Wants::One(Capability { name, version, arch: Qualifier::Own }))
}

/// True if the group ends here, and steps over its end.
fn close(rest: &mut &str) -> bool {
    let after = rest.trim_start().strip_prefix(')');
    *rest = after.unwrap_or(rest);
    after.is_some()
}

/// Up to a blank or the end of the group; parentheses within a word, as in `perl(x)`, belong to it.
fn word<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let text = rest.trim_start();
    let mut inside = 0_usize;
    let ends = |c: char| {
        match c {
            '(' => inside += 1,
            ')' if inside == 0 => return true,
            ')' => inside -= 1,
            _ => {}
        }
        c.is_ascii_whitespace()
    };
    let (word, after) = text.split_at(text.find(ends).unwrap_or(text.len()));
    *rest = after;
    (!word.is_empty()).then_some(word)
}
