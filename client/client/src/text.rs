//! Values as people write them, to SCALE and back, guided by a contract's types.

use blake2::{Blake2b512, Digest};
use codec::{Compact, Encode};
use primitives::{AccountId, units::SS58_PREFIX};
use scale_info::{PortableRegistry, TypeDef, TypeDefPrimitive, form::PortableForm};
use scale_value::{Composite, Primitive, Value as ScaleValue, ValueDef};
use serde_json::{Map, Value as Json};

/// How deep arguments may be nested.
const DEPTH_MAX: usize = 32;

fn ss58_checksum(body: &[u8]) -> [u8; 2] {
    let hash = Blake2b512::new().chain_update(b"SS58PRE").chain_update(body).finalize();
    [hash[0], hash[1]]
}

/// SS58 with the network's prefix (below 64, so that it takes one byte).
pub(crate) fn ss58_encode(account: &AccountId) -> String {
    let mut body = vec![SS58_PREFIX as u8];
    body.extend_from_slice(account.as_bytes());
    let checksum = ss58_checksum(&body);
    body.extend_from_slice(&checksum);
    bs58::encode(body).into_string()
}

/// SS58 with any prefix, or hex.
pub(crate) fn parse_account(text: &str) -> Result<AccountId, String> {
    if text.starts_with("0x") {
        return text.parse().map_err(|error| format!("{error}"));
    }
    let bytes = bs58::decode(text).into_vec().map_err(|_| {
        "expected an address (SS58, like 45R…) or 0x and 64 hexadecimal digits".to_owned()
    })?;
    let prefix_length = if bytes.first().is_some_and(|first| first & 0x40 != 0) { 2 } else { 1 };
    let wrong_length = || "an address of another length than an account's".to_owned();
    let account = bytes.get(prefix_length..prefix_length + 32).ok_or_else(wrong_length)?;
    let checksum = bytes.get(prefix_length + 32..).ok_or_else(wrong_length)?;
    if checksum != ss58_checksum(&bytes[..prefix_length + 32]) {
        return Err("the address's checksum is wrong; was a character mistyped?".to_owned());
    }
    account.try_into().map(AccountId).map_err(|_| wrong_length())
}

/// Reads an argument as typed on a command line: JSON, or bare text where the type is text, an account
/// or bytes.
///
/// A whole number stays text, so that none of its digits is lost: JSON numbers end at 64 bits.
pub(crate) fn argument_to_json(text: &str) -> Json {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Json::String(text.to_owned());
    }
    serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.to_owned()))
}

/// Encodes `value` as the type `id`.
pub(crate) fn encode(
    value: &Json,
    id: u32,
    types: &PortableRegistry,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    encode_at(value, id, types, out, 0)
}

fn encode_at(
    value: &Json,
    id: u32,
    types: &PortableRegistry,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err(format!("nested deeper than {DEPTH_MAX} levels"));
    }
    let kind = types.resolve(id).ok_or("its type is missing in the metadata")?;
    let name = kind.path.ident().unwrap_or_default();
    let wrong = |expected: &str| Err(format!("expected {expected}, found {}", describe(value)));
    if name == "AccountId" || name == "AccountId32" {
        let Json::String(text) = value else { return wrong("an address") };
        parse_account(text)?.encode_to(out);
        return Ok(());
    }
    match &kind.type_def {
        TypeDef::Primitive(primitive) => encode_primitive(value, primitive, out),
        TypeDef::Compact(_) => {
            let number = unsigned(value, u128::MAX)?;
            Compact(number).encode_to(out);
            Ok(())
        }
        TypeDef::Sequence(sequence) => {
            let item = sequence.type_param.id;
            if let Some(bytes) = as_bytes(value, item, types)? {
                bytes.encode_to(out);
                return Ok(());
            }
            let Json::Array(items) = value else { return wrong("a list, like [1, 2]") };
            Compact(items.len() as u32).encode_to(out);
            encode_items(items, item, types, out, depth)
        }
        TypeDef::Array(array) => {
            let (item, length) = (array.type_param.id, array.len as usize);
            if let Some(bytes) = as_bytes(value, item, types)? {
                if bytes.len() != length {
                    return Err(format!("expected {length} bytes, found {}", bytes.len()));
                }
                out.extend(bytes);
                return Ok(());
            }
            let Json::Array(items) = value else { return wrong("a list") };
            if items.len() != length {
                return Err(format!("expected {length} items, found {}", items.len()));
            }
            encode_items(items, item, types, out, depth)
        }
        TypeDef::Tuple(tuple) => {
            let fields: Vec<u32> = tuple.fields.iter().map(|field| field.id).collect();
            encode_tuple(value, &fields, types, out, depth)
        }
        TypeDef::Composite(composite) => {
            encode_fields(value, &composite.fields, types, out, depth)
        }
        TypeDef::Variant(variant) if name == "Option" => match value {
            Json::Null => {
                out.push(0);
                Ok(())
            }
            some => {
                let inner = variant
                    .variants
                    .iter()
                    .find(|variant| variant.name == "Some")
                    .and_then(|some| some.fields.first())
                    .ok_or("its type is not an option as ink! writes it")?;
                out.push(1);
                encode_at(some, inner.ty.id, types, out, depth + 1)
            }
        },
        TypeDef::Variant(variant) => {
            let (chosen, fields) = match value {
                Json::String(name) => (name, &Json::Null),
                Json::Object(object) if object.len() == 1 => match object.iter().next() {
                    Some((name, fields)) => (name, fields),
                    None => return wrong("a variant"),
                },
                _ => return wrong("a variant: \"Name\" or {\"Name\": value}"),
            };
            let names: Vec<&str> =
                variant.variants.iter().map(|variant| variant.name.as_str()).collect();
            let found = variant
                .variants
                .iter()
                .find(|variant| variant.name == *chosen)
                .ok_or_else(|| format!("no variant {chosen}; there are {}", names.join(", ")))?;
            out.push(found.index);
            if found.fields.is_empty() {
                return if fields.is_null() {
                    Ok(())
                } else {
                    Err(format!("the variant {chosen} has no fields"))
                };
            }
            encode_fields(fields, &found.fields, types, out, depth)
        }
        TypeDef::BitSequence(_) => Err("bit sequences are not supported".to_owned()),
    }
}

fn encode_items(
    items: &[Json],
    item: u32,
    types: &PortableRegistry,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), String> {
    for (place, value) in items.iter().enumerate() {
        encode_at(value, item, types, out, depth + 1)
            .map_err(|error| format!("item {}: {error}", place + 1))?;
    }
    Ok(())
}

fn encode_tuple(
    value: &Json,
    fields: &[u32],
    types: &PortableRegistry,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), String> {
    if fields.is_empty() && value.is_null() {
        return Ok(());
    }
    let Json::Array(items) = value else {
        return Err(format!("expected a list of {}, found {}", fields.len(), describe(value)));
    };
    if items.len() != fields.len() {
        return Err(format!("expected {} values, found {}", fields.len(), items.len()));
    }
    for (place, (value, field)) in items.iter().zip(fields).enumerate() {
        encode_at(value, *field, types, out, depth + 1)
            .map_err(|error| format!("value {}: {error}", place + 1))?;
    }
    Ok(())
}

fn encode_fields(
    value: &Json,
    fields: &[scale_info::Field<PortableForm>],
    types: &PortableRegistry,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), String> {
    let named = fields.iter().all(|field| field.name.is_some());
    if let [only] = fields
        && only.name.is_none()
    {
        return encode_at(value, only.ty.id, types, out, depth + 1);
    }
    let Json::Object(object) = value else {
        let ids: Vec<u32> = fields.iter().map(|field| field.ty.id).collect();
        return encode_tuple(value, &ids, types, out, depth);
    };
    if !named {
        return Err("expected a list, found an object".to_owned());
    }
    let known = |name: &str| fields.iter().any(|field| field.name.as_deref() == Some(name));
    if let Some(unknown) = object.keys().find(|name| !known(name)) {
        return Err(format!("there is no field {unknown}"));
    }
    for field in fields {
        let name = field.name.as_deref().unwrap_or_default();
        let value = object.get(name).ok_or_else(|| format!("the field {name} is missing"))?;
        encode_at(value, field.ty.id, types, out, depth + 1)
            .map_err(|error| format!("field {name}: {error}"))?;
    }
    Ok(())
}

fn encode_primitive(
    value: &Json,
    primitive: &TypeDefPrimitive,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    use TypeDefPrimitive as P;
    match primitive {
        P::Bool => match value {
            Json::Bool(bool) => bool.encode_to(out),
            _ => return Err(format!("expected true or false, found {}", describe(value))),
        },
        P::Str => match value {
            Json::String(text) => text.encode_to(out),
            // A bare word that happens to read as JSON, like 42, is still text here.
            other => other.to_string().encode_to(out),
        },
        P::Char => return Err("characters are not supported".to_owned()),
        P::U8 => (unsigned(value, u8::MAX.into())? as u8).encode_to(out),
        P::U16 => (unsigned(value, u16::MAX.into())? as u16).encode_to(out),
        P::U32 => (unsigned(value, u32::MAX.into())? as u32).encode_to(out),
        P::U64 => (unsigned(value, u64::MAX.into())? as u64).encode_to(out),
        P::U128 => unsigned(value, u128::MAX)?.encode_to(out),
        P::I8 => (signed(value, i8::MIN.into(), i8::MAX.into())? as i8).encode_to(out),
        P::I16 => (signed(value, i16::MIN.into(), i16::MAX.into())? as i16).encode_to(out),
        P::I32 => (signed(value, i32::MIN.into(), i32::MAX.into())? as i32).encode_to(out),
        P::I64 => (signed(value, i64::MIN.into(), i64::MAX.into())? as i64).encode_to(out),
        P::I128 => signed(value, i128::MIN, i128::MAX)?.encode_to(out),
        P::U256 | P::I256 => return Err("256-bit numbers are not supported".to_owned()),
    }
    Ok(())
}

fn digits(value: &Json) -> Option<String> {
    match value {
        Json::Number(number) => Some(number.to_string()),
        Json::String(text) => Some(text.replace('_', "")),
        _ => None,
    }
}

fn unsigned(value: &Json, max: u128) -> Result<u128, String> {
    let number = digits(value).and_then(|digits| digits.parse::<u128>().ok());
    match number {
        Some(number) if number <= max => Ok(number),
        Some(_) => Err(format!("{} is above the most this type holds, {max}", describe(value))),
        None => Err(format!("expected a whole number from 0 to {max}, found {}", describe(value))),
    }
}

fn signed(value: &Json, min: i128, max: i128) -> Result<i128, String> {
    digits(value)
        .and_then(|digits| digits.parse::<i128>().ok())
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| {
            format!("expected a whole number from {min} to {max}, found {}", describe(value))
        })
}

/// Hex text where bytes are wanted.
fn as_bytes(value: &Json, item: u32, types: &PortableRegistry) -> Result<Option<Vec<u8>>, String> {
    let is_byte = types
        .resolve(item)
        .is_some_and(|item| matches!(item.type_def, TypeDef::Primitive(TypeDefPrimitive::U8)));
    match value {
        Json::String(text) if is_byte => {
            let digits = text
                .strip_prefix("0x")
                .ok_or("bytes are written as 0x and hexadecimal digits, or as a list of numbers")?;
            hex::decode(digits).map(Some).map_err(|error| format!("not hexadecimal: {error}"))
        }
        _ => Ok(None),
    }
}

fn describe(value: &Json) -> String {
    match value {
        Json::Null => "nothing".to_owned(),
        Json::Array(_) => "a list".to_owned(),
        Json::Object(_) => "an object".to_owned(),
        other => {
            let text = other.to_string();
            if text.chars().count() > 60 {
                let head: String = text.chars().take(57).collect();
                format!("{head}…")
            } else {
                text
            }
        }
    }
}

/// A type as people read it.
pub(crate) fn type_name(id: u32, types: &PortableRegistry) -> String {
    let Some(kind) = types.resolve(id) else { return "?".to_owned() };
    let list = |ids: &[u32]| {
        ids.iter().map(|id| type_name(*id, types)).collect::<Vec<_>>().join(", ")
    };
    match &kind.type_def {
        TypeDef::Primitive(primitive) => match primitive {
            TypeDefPrimitive::Str => "String".to_owned(),
            other => format!("{other:?}").to_lowercase(),
        },
        TypeDef::Sequence(sequence) => format!("Vec<{}>", type_name(sequence.type_param.id, types)),
        TypeDef::Array(array) => {
            format!("[{}; {}]", type_name(array.type_param.id, types), array.len)
        }
        TypeDef::Tuple(tuple) => {
            format!("({})", list(&tuple.fields.iter().map(|field| field.id).collect::<Vec<_>>()))
        }
        TypeDef::Compact(compact) => type_name(compact.type_param.id, types),
        TypeDef::BitSequence(_) => "BitSequence".to_owned(),
        TypeDef::Composite(_) | TypeDef::Variant(_) => {
            let name = kind.path.ident().unwrap_or_else(|| "?".to_owned());
            let parameters: Vec<u32> = kind
                .type_params
                .iter()
                .filter_map(|parameter| parameter.ty.map(|ty| ty.id))
                .collect();
            if parameters.is_empty() || name == "AccountId" {
                name
            } else {
                format!("{name}<{}>", list(&parameters))
            }
        }
    }
}

/// Decodes SCALE bytes of the type `id` into JSON; all of them.
pub(crate) fn decode(bytes: &[u8], id: u32, types: &PortableRegistry) -> Result<Json, String> {
    let mut rest = bytes;
    let value = scale_value::scale::decode_as_type(&mut rest, id, types)
        .map_err(|error| format!("the answer is not of the type in the metadata: {error}"))?;
    if !rest.is_empty() {
        return Err(format!("{} bytes are left over after the answer", rest.len()));
    }
    Ok(to_json(&value, types))
}

fn to_json(value: &ScaleValue<u32>, types: &PortableRegistry) -> Json {
    let name = types
        .resolve(value.context)
        .and_then(|kind| kind.path.ident())
        .unwrap_or_default();
    if (name == "AccountId" || name == "AccountId32")
        && let Some(bytes) = bytes_of(value)
        && let Ok(account) = <[u8; 32]>::try_from(bytes)
    {
        return Json::String(ss58_encode(&AccountId(account)));
    }
    match &value.value {
        ValueDef::Primitive(primitive) => primitive_to_json(primitive),
        ValueDef::BitSequence(bits) => Json::String(format!("{bits:?}")),
        ValueDef::Composite(Composite::Named(fields)) => Json::Object(
            fields.iter().map(|(name, value)| (name.clone(), to_json(value, types))).collect(),
        ),
        ValueDef::Composite(Composite::Unnamed(items)) => {
            let is_byte_list = types.resolve(value.context).is_some_and(|kind| {
                let item = match &kind.type_def {
                    TypeDef::Sequence(sequence) => sequence.type_param.id,
                    TypeDef::Array(array) => array.type_param.id,
                    _ => return false,
                };
                types.resolve(item).is_some_and(|item| {
                    matches!(item.type_def, TypeDef::Primitive(TypeDefPrimitive::U8))
                })
            });
            match bytes_of(value) {
                Some(bytes) if is_byte_list => Json::String(format!("0x{}", hex::encode(bytes))),
                _ => match items.as_slice() {
                    [] if matches!(
                        types.resolve(value.context).map(|kind| &kind.type_def),
                        Some(TypeDef::Tuple(_))
                    ) =>
                    {
                        Json::Null
                    }
                    [only]
                        if matches!(
                            types.resolve(value.context).map(|kind| &kind.type_def),
                            Some(TypeDef::Composite(_))
                        ) =>
                    {
                        to_json(only, types)
                    }
                    items => Json::Array(items.iter().map(|item| to_json(item, types)).collect()),
                },
            }
        }
        ValueDef::Variant(variant) => {
            let fields: Vec<&ScaleValue<u32>> = variant.values.values().collect();
            match (name.as_str(), variant.name.as_str(), fields.as_slice()) {
                ("Option", "None", _) => Json::Null,
                ("Option", "Some", [inner]) => to_json(inner, types),
                (_, variant_name, []) => Json::String(variant_name.to_owned()),
                (_, variant_name, fields) => {
                    let inner = match (&variant.values, fields) {
                        (Composite::Named(named), _) => Json::Object(
                            named
                                .iter()
                                .map(|(name, value)| (name.clone(), to_json(value, types)))
                                .collect(),
                        ),
                        (_, [only]) => to_json(only, types),
                        (_, many) => {
                            Json::Array(many.iter().map(|item| to_json(item, types)).collect())
                        }
                    };
                    let mut object = Map::new();
                    object.insert(variant_name.to_owned(), inner);
                    Json::Object(object)
                }
            }
        }
    }
}

fn primitive_to_json(primitive: &Primitive) -> Json {
    match primitive {
        Primitive::Bool(bool) => Json::Bool(*bool),
        Primitive::Char(char) => Json::String(char.to_string()),
        Primitive::String(text) => Json::String(text.clone()),
        // Beyond what every JSON reader keeps exactly, numbers are text.
        Primitive::U128(number) => match u64::try_from(*number) {
            Ok(small) if small <= (1 << 53) => Json::from(small),
            _ => Json::String(number.to_string()),
        },
        Primitive::I128(number) => match i64::try_from(*number) {
            Ok(small) if small.unsigned_abs() <= (1 << 53) => Json::from(small),
            _ => Json::String(number.to_string()),
        },
        Primitive::U256(bytes) | Primitive::I256(bytes) => {
            Json::String(format!("0x{}", hex::encode(bytes)))
        }
    }
}

fn bytes_of(value: &ScaleValue<u32>) -> Option<Vec<u8>> {
    let ValueDef::Composite(Composite::Unnamed(items)) = &value.value else { return None };
    if let [only] = items.as_slice()
        && matches!(only.value, ValueDef::Composite(_))
    {
        return bytes_of(only);
    }
    items
        .iter()
        .map(|item| match &item.value {
            ValueDef::Primitive(Primitive::U128(byte)) => u8::try_from(*byte).ok(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scale_info::{MetaType, Registry, TypeInfo};

    #[derive(TypeInfo, codec::Encode)]
    #[allow(dead_code, reason = "described, not built")]
    enum Shape {
        Point,
        Circle { radius: u32 },
        Pair(u8, bool),
    }

    #[derive(TypeInfo, codec::Encode)]
    struct AccountId(#[allow(dead_code, reason = "encoded")] [u8; 32]);

    #[derive(TypeInfo)]
    #[allow(dead_code, reason = "described, not built")]
    struct Order {
        to: AccountId,
        amount: u128,
        note: Option<String>,
        tags: Vec<(u8, i16)>,
        blob: Vec<u8>,
        shape: Shape,
    }

    fn types<T: TypeInfo + 'static>() -> (u32, PortableRegistry) {
        let mut registry = Registry::new();
        let id = registry.register_type(&MetaType::new::<T>()).id;
        (id, registry.into())
    }

    fn check<T: TypeInfo + 'static>(text: &str, expect: Result<&str, &str>) {
        let (id, types) = types::<T>();
        let mut bytes = Vec::new();
        let json = argument_to_json(text);
        match (encode(&json, id, &types, &mut bytes), expect) {
            (Ok(()), Ok(back)) => {
                assert_eq!(decode(&bytes, id, &types).unwrap().to_string(), back);
            }
            (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
            (got, want) => panic!("{text}: {got:?}, expected {want:?}"),
        }
    }

    #[test]
    fn values_are_read_and_written_as_people_write_them() {
        check::<bool>("true", Ok("true"));
        check::<u32>("42", Ok("42"));
        check::<u128>(
            "340282366920938463463374607431768211455",
            Ok("\"340282366920938463463374607431768211455\""),
        );
        check::<u64>("340282366920938463463374607431768211455", Err("above the most"));
        check::<u128>(
            "\"340282366920938463463374607431768211455\"",
            Ok("\"340282366920938463463374607431768211455\""),
        );
        check::<i16>("-7", Ok("-7"));
        check::<String>("hello", Ok("\"hello\""));
        check::<String>("42", Ok("\"42\""));
        check::<Vec<u8>>("0x0102", Ok("\"0x0102\""));
        check::<[u8; 2]>("[1, 2]", Ok("\"0x0102\""));
        check::<Option<u8>>("null", Ok("null"));
        check::<Option<u8>>("7", Ok("7"));
        check::<Shape>("Point", Ok("\"Point\""));
        check::<Shape>("{\"Circle\": {\"radius\": 3}}", Ok("{\"Circle\":{\"radius\":3}}"));
        check::<Shape>("{\"Pair\": [1, true]}", Ok("{\"Pair\":[1,true]}"));
    }

    #[test]
    fn a_compound_value_goes_there_and_back() {
        let to = ss58_encode(&primitives::AccountId([7; 32]));
        let text = format!(
            "{{\"to\":\"{to}\",\"amount\":5,\"note\":null,\"tags\":[[1,-2]],\"blob\":\"0xff\",\
             \"shape\":\"Point\"}}"
        );
        let (id, types) = types::<Order>();
        let mut bytes = Vec::new();
        encode(&argument_to_json(&text), id, &types, &mut bytes).unwrap();
        let back = decode(&bytes, id, &types).unwrap();
        assert_eq!(back, serde_json::from_str::<Json>(&text).unwrap());
    }

    #[test]
    fn errors_name_the_place_and_the_type() {
        check::<bool>("1", Err("expected true or false"));
        check::<u8>("256", Err("above the most"));
        check::<u8>("-1", Err("whole number from 0 to 255"));
        check::<Shape>("Square", Err("there are Point, Circle, Pair"));
        check::<Vec<u32>>("[1, \"x\"]", Err("item 2"));
        check::<(u8, u8)>("[1]", Err("expected 2 values"));
        check::<Order>("{\"amount\": 5}", Err("the field to is missing"));
        check::<Order>("{\"color\": 5}", Err("there is no field color"));
        check::<AccountId>("5F", Err("another length"));
        check::<Vec<u8>>("zz", Err("0x and hexadecimal"));
    }

    #[test]
    fn an_address_reads_back_and_a_mistyped_one_does_not() {
        let account = primitives::AccountId([9; 32]);
        let text = ss58_encode(&account);
        assert_eq!(parse_account(&text), Ok(account));
        assert_eq!(parse_account(&account.to_hex()), Ok(account));
        // Alice, with the generic prefix 42.
        let alice = parse_account("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY").unwrap();
        assert!(alice.to_hex().starts_with("0xd43593c7"));
        let swapped: String =
            text.chars().rev().enumerate().map(|(i, c)| if i == 0 { 'z' } else { c }).collect();
        assert!(parse_account(&swapped).is_err());
    }
}
