//! dpkg's relation fields: deb-control(5).

use super::{Capability, Kind, Op, Provided, Qualifier, Requirement, Wants};

/// Reads Depends, Conflicts and the like: what the commas part.
#[must_use]
pub fn requirements(field: &str, kind: Kind) -> Vec<Requirement> {
    parts(field, ',').map(|part| requirement(part, kind)).collect()
}

fn requirement(text: &str, kind: Kind) -> Requirement {
    let capability = |part: &str| parse(part).map_or(Wants::Unknown, |part| Wants::One(part.into()));
    let mut alternatives: Vec<Wants> = parts(text, '|').map(capability).collect();
    let wants = match alternatives.len() {
        _ if alternatives.contains(&Wants::Unknown) => Wants::Unknown,
        0 => Wants::Unknown,
        1 => alternatives.remove(0),
        _ => Wants::Any(alternatives),
    };
    Requirement { text: text.split_ascii_whitespace().collect::<Vec<_>>().join(" "), wants, kind }
}

/// Reads Provides; what cannot be read provides nothing.
pub fn provides(field: &str) -> impl Iterator<Item = Provided<'_>> {
    parts(field, ',').filter_map(parse)
}

fn parts(text: &str, separator: char) -> impl Iterator<Item = &str> {
    text.split(separator).map(str::trim).filter(|part| !part.is_empty())
}

/// `name[:arch] [(sign version)]`
fn parse(text: &str) -> Option<Provided<'_>> {
    let end = text.find(|c: char| c.is_ascii_whitespace() || c == '(').unwrap_or(text.len());
    let (name, rest) = (&text[..end], text[end..].trim());
    let (name, arch) = match name.split_once(':') {
        Some((name, arch)) => (name, Some(arch)),
        None => (name, None),
    };
    if name.is_empty() || arch.is_some_and(str::is_empty) {
        return None;
    }
    if rest.is_empty() {
        return Some(Provided { name, version: None, arch });
    }
    let inside = rest.strip_prefix('(')?.strip_suffix(')')?.trim();
    let end = inside.find(|c| !matches!(c, '<' | '=' | '>'))?;
    let op = match &inside[..end] {
        "<<" => Op::LESS,
        // One sign alone is an old spelling that dpkg still knows, and includes equality.
        "<=" | "<" => Op::UP_TO,
        "=" => Op::EQUAL,
        ">=" | ">" => Op::FROM,
        ">>" => Op::GREATER,
        _ => return None,
    };
    let version = inside[end..].trim();
    let is_one = !version.is_empty() && !version.contains(|c: char| c.is_ascii_whitespace());
    is_one.then_some(Provided { name, version: Some((op, version)), arch })
}

impl From<Provided<'_>> for Capability {
    fn from(provided: Provided<'_>) -> Self {
        Capability {
            name: provided.name.to_owned(),
            version: provided.version.map(|(op, version)| (op, version.to_owned())),
            arch: match provided.arch {
                None => Qualifier::Own,
                Some("any") => Qualifier::Any,
                Some(arch) => Qualifier::Arch(arch.to_owned()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read() {
        let got = requirements("a:any(>=1:2~) | b ( << 3 ),\n c:i386, d (> 1)", Kind::Needs);
        let texts: Vec<&str> = got.iter().map(|r| r.text.as_str()).collect();
        assert_eq!(texts, ["a:any(>=1:2~) | b ( << 3 )", "c:i386", "d (> 1)"]);
        let one = |name: &str, version: Option<(Op, &str)>, arch| {
            Wants::One(Capability {
                name: name.into(),
                version: version.map(|(op, version)| (op, version.into())),
                arch,
            })
        };
        let wants: Vec<Wants> = got.into_iter().map(|r| r.wants).collect();
        let either = vec![
            one("a", Some((Op::FROM, "1:2~")), Qualifier::Any),
            one("b", Some((Op::LESS, "3")), Qualifier::Own),
        ];
        assert_eq!(
            wants,
            [
                Wants::Any(either),
                one("c", None, Qualifier::Arch("i386".into())),
                one("d", Some((Op::FROM, "1")), Qualifier::Own)
            ]
        );
    }

    #[test]
    fn what_is_no_relation_is_unknown() {
        for text in [
            "a (1)",
            "a (>= )",
            "a (>= 1",
            "a b",
            "a (=> 1)",
            "(>= 1)",
            ":any",
            "a:",
            "a (= 1 2)",
            "a | (",
            "|",
        ] {
            let got = requirements(text, Kind::Needs);
            assert!(got.iter().all(|r| r.wants == Wants::Unknown) && got.len() == 1, "{text}: {got:?}");
        }
        assert!(requirements(" , ,", Kind::Needs).is_empty());
    }
}
