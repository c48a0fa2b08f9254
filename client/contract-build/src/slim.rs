//! Leaves out of a module what no chain needs: data that is zero anyway, and exports that nobody calls.
//!
//! With an imported memory the linker writes out even what starts as zeros: ink!'s static buffer alone
//! would be most of a contract's code, paid for by everybody who stores it. A contract's memory is fresh
//! and zero when it starts, so such data has no effect.
//!
//! The standard library for the target exports its memory functions. pallet-contracts takes a module only
//! if it exports nothing that can be called but `call` and `deploy`.

/// The ids of the sections of exports and of data.
const EXPORT_SECTION: u8 = 7;
const DATA_SECTION: u8 = 11;
/// What a contract exports.
const EXPORTS: [&[u8]; 2] = [b"call", b"deploy"];
/// Magic number and version.
const HEADER_BYTES: usize = 8;
/// What ends a constant expression.
const END: u8 = 0x0b;
const I32_CONST: u8 = 0x41;

/// The module without data that is zero, without zeros at the end of data, and without exports but a
/// contract's; `None` where there is something in it that is not understood.
pub fn slim(wasm: &[u8]) -> Option<Vec<u8>> {
    let (header, mut rest) = wasm.split_at_checked(HEADER_BYTES)?;
    let mut slim = header.to_vec();
    while let Some((id, after_id)) = rest.split_first() {
        let (section, after) = sized(after_id)?;
        let section = match *id {
            EXPORT_SECTION => exports(section)?,
            DATA_SECTION => data(section)?,
            _ => section.to_vec(),
        };
        slim.push(*id);
        push_sized(&mut slim, &section)?;
        rest = after;
    }
    Some(slim)
}

/// The section of exports, with a contract's alone.
fn exports(section: &[u8]) -> Option<Vec<u8>> {
    let (count, mut rest) = number(section)?;
    let mut kept = Vec::new();
    let mut kept_count: u32 = 0;
    for _ in 0..count {
        let (name, after_name) = sized(rest)?;
        let (_kind, after_kind) = after_name.split_first()?;
        let (_index, after) = number(after_kind)?;
        if EXPORTS.contains(&name) {
            kept.extend(rest.get(..rest.len() - after.len())?);
            kept_count += 1;
        }
        rest = after;
    }
    rest.is_empty().then(|| counted(kept_count, &kept))
}

/// The section of data, with fewer segments.
fn data(section: &[u8]) -> Option<Vec<u8>> {
    let (count, mut rest) = number(section)?;
    let mut kept = Vec::new();
    let mut kept_count: u32 = 0;
    for _ in 0..count {
        let (place, after_place) = place(rest)?;
        let (bytes, after) = sized(after_place)?;
        let length = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if length > 0 {
            kept.extend(place);
            push_sized(&mut kept, bytes.get(..length)?)?;
            kept_count += 1;
        }
        rest = after;
    }
    rest.is_empty().then(|| counted(kept_count, &kept))
}

/// A section of `count` entries.
fn counted(count: u32, entries: &[u8]) -> Vec<u8> {
    let mut section = Vec::new();
    push_number(&mut section, count);
    section.extend(entries);
    section
}

/// Where a segment of memory 0 goes: `i32.const PLACE end`, with the flag before it.
fn place(segment: &[u8]) -> Option<(&[u8], &[u8])> {
    let [0, I32_CONST, constant @ ..] = segment else {
        return None;
    };
    let digits = constant.iter().position(|byte| byte & 0x80 == 0)? + 1;
    (constant.get(digits) == Some(&END)).then(|| segment.split_at_checked(digits + 3))?
}

/// A length, and so many bytes.
fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = number(bytes)?;
    rest.split_at_checked(usize::try_from(length).ok()?)
}

/// An unsigned number of at most 32 bits, in LEB128.
fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value: u64 = 0;
    for (place, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(value).ok()?, bytes.get(place + 1..)?));
        }
    }
    None
}

fn push_sized(out: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    push_number(out, u32::try_from(bytes.len()).ok()?);
    out.extend(bytes);
    Some(())
}

fn push_number(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with another section before its data.
    fn module(segments: &[(i8, &[u8])]) -> Vec<u8> {
        let mut data = vec![segments.len() as u8];
        for (place, bytes) in segments {
            data.extend([0, I32_CONST, *place as u8, END]);
            push_sized(&mut data, bytes).unwrap();
        }
        let mut wasm = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x0b".to_vec();
        push_sized(&mut wasm, &data).unwrap();
        wasm
    }

    #[test]
    fn zeros_are_left_out_and_all_else_stays() {
        let long = vec![0; 300];
        let wasm = module(&[(1, b"a\0b\0\0"), (2, &long), (3, b""), (4, b"\0c")]);
        let expected = module(&[(1, b"a\0b"), (4, b"\0c")]);
        assert_eq!(slim(&wasm), Some(expected.clone()));
        assert_eq!(slim(&expected), Some(expected));
    }

    #[test]
    fn only_what_a_contract_exports_stays() {
        let module = |exports: &[(&str, u8)]| {
            let mut section = vec![exports.len() as u8];
            for (name, index) in exports {
                push_sized(&mut section, name.as_bytes()).unwrap();
                section.extend([0, *index]);
            }
            let mut wasm = b"\0asm\x01\0\0\0".to_vec();
            wasm.push(EXPORT_SECTION);
            push_sized(&mut wasm, &section).unwrap();
            wasm
        };
        let wasm = module(&[("memcpy", 3), ("call", 1), ("__heap_base", 1), ("deploy", 2), ("calls", 1)]);
        assert_eq!(slim(&wasm), Some(module(&[("call", 1), ("deploy", 2)])));
        assert_eq!(slim(&wasm[..wasm.len() - 1]), None);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let wasm = module(&[(1, b"abc")]);
        for length in [0, 4, 9, 12, 15, 17, wasm.len() - 1] {
            assert_eq!(slim(&wasm[..length]), None, "{length} bytes");
        }
        let mut passive = wasm;
        let flag = passive.len() - 7;
        passive[flag - 1] = 1;
        assert_eq!(slim(&passive), None);
    }
}
