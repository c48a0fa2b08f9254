//! Contracts as TypeScript: a class with a typed method for each message, on the package `@phat/client`.
//!
//! Types are written as that package encodes and decodes values (`client/client-js` `types`), which is as this
//! crate does ([`crate::Contract::encode_values`]), except that whole numbers of more than 32 bits are `bigint`.

use crate::{Contract, Message, text};
use primitives::CodeHash;
use scale_info::{
    Field, PortableRegistry, TypeDef, TypeDefPrimitive, Variant, form::PortableForm,
};
use serde_json::Value as Json;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// How deep a type may be nested before it is written as `unknown`.
const DEPTH_MAX: usize = 32;
/// What the generated file takes from the package, and so cannot name its own.
const TAKEN: [&str; 16] = [
    "AbortSignal",
    "Account",
    "Answer",
    "CallOptions",
    "Chain",
    "Cluster",
    "Contract",
    "ContractFile",
    "Deployed",
    "DeployOptions",
    "Done",
    "Omit",
    "Promise",
    "QueryOptions",
    "Waiting",
    "METADATA",
];
/// Words that cannot name a parameter: the language's, and those of our own parameters.
const RESERVED: [&str; 51] = [
    "arguments", "await", "break", "case", "catch", "chain", "class", "code", "const", "continue",
    "debugger", "default", "delete", "do", "else", "enum", "eval", "export", "extends", "false", "finally",
    "for", "function", "if", "implements", "import", "in", "instanceof", "interface", "let", "new",
    "null", "options", "package", "private", "protected", "public", "return", "static", "super",
    "switch", "this", "throw", "true", "try", "typeof", "var", "void",
    "while", "with", "yield",
];

/// What a TypeScript file is made of.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The contract.
    pub contract: &'a Contract,
    /// Its file as JSON; of it all but the code goes into the TypeScript.
    pub json: &'a Json,
    /// The class's name; by default the contract's.
    pub class: Option<&'a str>,
}

/// The TypeScript of a contract.
pub fn generate(source: &Source<'_>) -> String {
    let contract = source.contract;
    let class = class_name(source.class.unwrap_or(&contract.name));
    let mut writer = Writer::new(&contract.types, &class);
    let body = writer.class(contract, &class);
    let mut out = header(&contract.name, &contract.code_hash);
    for declaration in writer.declarations.values() {
        out.push_str(declaration);
    }
    // Before the class, which reads it when it is made.
    let _infallible = writeln!(
        out,
        "\n/** The contract's metadata, without its code. */\nconst METADATA: object = {};",
        metadata(source.json)
    );
    out.push_str(&body);
    out
}

fn header(name: &str, code: &CodeHash) -> String {
    format!(
        "// Written by `phat codegen` for {name}, code {code}. Write it anew when the contract changes.\n\n\
         import {{\n  Contract,\n  ContractFile,\n  deploy,\n  type Answer,\n  type CallOptions,\n  type Chain,\n  \
         type Cluster,\n  type DeployOptions,\n  type Done,\n  type QueryOptions,\n}} from \"@phat/client\";\n"
    )
}

/// The metadata as JSON on one line, without the code.
fn metadata(json: &Json) -> String {
    let mut json = json.clone();
    if let Some(source) = json.get_mut("source").and_then(Json::as_object_mut) {
        source.retain(|name, _| name == "hash");
    }
    if let Some(file) = json.as_object_mut() {
        file.retain(|name, _| {
            matches!(name.as_str(), "source" | "contract" | "spec" | "types" | "version")
        });
    }
    json.to_string()
}

/// A name of a class: letters and digits, each word with a capital.
fn class_name(name: &str) -> String {
    let name = name.split_whitespace().next().unwrap_or_default();
    let mut out = pascal(name);
    if !out.starts_with(|first: char| first.is_ascii_alphabetic()) {
        out.insert_str(0, "Contract");
    }
    while TAKEN.contains(&out.as_str()) {
        out.push_str("Contract");
    }
    out
}

fn pascal(name: &str) -> String {
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .map(|word| {
            let mut chars = word.chars();
            let first = chars.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(chars).collect::<String>()
        })
        .collect()
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A property's name, in quotes where it must be.
fn property(name: &str) -> String {
    if is_identifier(name) { name.to_owned() } else { Json::from(name).to_string() }
}

/// A parameter's name.
fn parameter(name: &str, place: usize) -> String {
    match name {
        name if !is_identifier(name) => format!("argument{place}"),
        name if RESERVED.contains(&name) => format!("{name}_"),
        name => name.to_owned(),
    }
}

/// A comment above something, indented; nothing where there is nothing to say.
fn comment(text: &str, indent: &str) -> String {
    let text = text.trim().replace("*/", "* /").replace(['\r', '\n'], " ");
    if text.is_empty() { String::new() } else { format!("{indent}/** {text} */\n") }
}

struct Writer<'a> {
    types: &'a PortableRegistry,
    /// Declared types, by name.
    declarations: BTreeMap<String, String>,
    /// Names, by type.
    names: BTreeMap<u32, String>,
    taken: BTreeSet<String>,
}

impl<'a> Writer<'a> {
    fn new(types: &'a PortableRegistry, class: &str) -> Self {
        let taken = TAKEN.iter().copied().chain([class]).map(str::to_owned).collect();
        Self { types, declarations: BTreeMap::new(), names: BTreeMap::new(), taken }
    }

    fn class(&mut self, contract: &Contract, class: &str) -> String {
        let about = comment(&format!("The contract {}.", contract.name), "");
        let mut out = format!("\n{about}export class {class} {{\n");
        out.push_str(
            "  /** Its metadata. */\n  static readonly file: ContractFile = ContractFile.parse(METADATA);\n\n",
        );
        let _infallible = write!(
            out,
            "  /** The contract, for what is not here. */\n  readonly contract: Contract;\n\n  \
             constructor(contract: Contract) {{\n    this.contract = contract;\n  }}\n\n  \
             /** The contract with this id: finds its cluster, with a proof. */\n  \
             static async at(chain: Chain, id: `0x${{string}}`, options: {{ cluster?: Cluster; signal?: AbortSignal }} = {{}}): \
             Promise<{class}> {{\n    return new {class}(await Contract.at(chain, id, {class}.file, options));\n  }}\n"
        );
        out.push_str(&self.deployers(contract, class));
        out.push_str(&self.queries(contract));
        out.push_str(&self.calls(contract));
        out.push_str("}\n");
        out
    }

    fn deployers(&mut self, contract: &Contract, class: &str) -> String {
        let mut out = String::from(
            "\n  /** Deploys the contract: `code` is its .contract file. */\n  static readonly deploy = {\n",
        );
        for message in contract.constructors() {
            let (parameters, names) = self.parameters(message);
            let _infallible = write!(
                out,
                "{}    {}: async (chain: Chain, code: ContractFile, {parameters}options: \
                 Omit<DeployOptions, \"args\" | \"constructorName\">): Promise<{class}> =>\n      \
                 new {class}((await deploy(chain, code, {{ ...options, constructorName: {}, args: [{names}] }})).contract),\n",
                comment(&message.docs, "    "),
                property(&message.label),
                Json::from(message.label.as_str()),
            );
        }
        out.push_str("  };\n");
        out
    }

    fn queries(&mut self, contract: &Contract) -> String {
        let mut out = String::from(
            "\n  /** Asks: sealed, answered at once, nothing changes. A message that changes state can be tried. */\n  \
             readonly query = {\n",
        );
        for message in contract.messages() {
            let (parameters, names) = self.parameters(message);
            let returns = self.returns(message);
            let _infallible = write!(
                out,
                "{}    {}: ({parameters}options?: QueryOptions): Promise<Answer<{returns}>> =>\n      \
                 this.contract.query({}, [{names}], options),\n",
                self.message_comment(message),
                property(&message.label),
                Json::from(message.label.as_str()),
            );
        }
        out.push_str("  };\n");
        out
    }

    fn calls(&mut self, contract: &Contract) -> String {
        let mut out = String::from(
            "\n  /** Sends commands: sealed, on chain; waits until they have been run. */\n  readonly call = {\n",
        );
        for message in contract.messages().iter().filter(|message| message.mutates) {
            let (parameters, names) = self.parameters(message);
            let returns = self.returns(message);
            let _infallible = write!(
                out,
                "{}    {}: ({parameters}options: CallOptions): Promise<Done<{returns}>> =>\n      \
                 this.contract.call({}, [{names}], options),\n",
                self.message_comment(message),
                property(&message.label),
                Json::from(message.label.as_str()),
            );
        }
        out.push_str("  };\n");
        out
    }

    /// What its author says, and which error it may be refused with.
    fn message_comment(&mut self, message: &Message) -> String {
        let refused = self.error_of(message);
        let refused = refused.map(|error| format!(" Refused with `{error}`.")).unwrap_or_default();
        comment(&format!("{}{refused}", message.docs), "    ")
    }

    fn parameters(&mut self, message: &Message) -> (String, String) {
        let (mut parameters, mut names) = (String::new(), Vec::new());
        for (place, (name, id)) in message.arguments.iter().enumerate() {
            let name = parameter(name, place);
            let kind = self.written(*id, 0);
            let _infallible = write!(parameters, "{name}: {kind}, ");
            names.push(name);
        }
        (parameters, names.join(", "))
    }

    /// The two types of a `Result`.
    fn result_of(&self, id: u32) -> Option<(u32, u32)> {
        let kind = self.types.resolve(id)?;
        let TypeDef::Variant(variant) = &kind.type_def else { return None };
        if kind.path.ident().as_deref() != Some("Result") {
            return None;
        }
        let field = |name: &str| {
            let found = variant.variants.iter().find(|variant| variant.name == name)?;
            found.fields.first().map(|field| field.ty.id)
        };
        Some((field("Ok")?, field("Err")?))
    }

    /// What remains of a return type once the results of ink! and of the message are taken away.
    fn returns(&mut self, message: &Message) -> String {
        let Some(outer) = message.returns else { return "null".to_owned() };
        let inner = self.result_of(outer).map_or(outer, |(ok, _)| ok);
        let value = self.result_of(inner).map_or(inner, |(ok, _)| ok);
        self.written(value, 0)
    }

    fn error_of(&mut self, message: &Message) -> Option<String> {
        let (inner, _) = self.result_of(message.returns?)?;
        let (_, error) = self.result_of(inner)?;
        Some(self.written(error, 0))
    }

    /// A type, as it is written where it is used.
    fn written(&mut self, id: u32, depth: usize) -> String {
        let types = self.types;
        let Some(kind) = types.resolve(id).filter(|_| depth < DEPTH_MAX) else {
            return "unknown".to_owned();
        };
        let ident = kind.path.ident().unwrap_or_default();
        if ident == "AccountId" || ident == "AccountId32" {
            return "string".to_owned();
        }
        match &kind.type_def {
            TypeDef::Primitive(primitive) => written_primitive(primitive).to_owned(),
            TypeDef::Compact(compact) => self.written(compact.type_param.id, depth + 1),
            TypeDef::Sequence(sequence) => self.written_list(sequence.type_param.id, depth),
            TypeDef::Array(array) => self.written_list(array.type_param.id, depth),
            TypeDef::Tuple(tuple) if tuple.fields.is_empty() => "null".to_owned(),
            TypeDef::Tuple(tuple) => {
                let items = tuple.fields.iter().map(|field| self.written(field.id, depth + 1));
                format!("[{}]", items.collect::<Vec<_>>().join(", "))
            }
            TypeDef::Composite(composite) => match composite.fields.as_slice() {
                [only] if only.name.is_none() => self.written(only.ty.id, depth + 1),
                _ => self.named(id, depth),
            },
            TypeDef::Variant(variant) if ident == "Option" => {
                let some = variant.variants.iter().find(|variant| variant.name == "Some");
                match some.and_then(|some| some.fields.first()) {
                    Some(field) => format!("{} | null", self.written(field.ty.id, depth + 1)),
                    None => "unknown".to_owned(),
                }
            }
            TypeDef::Variant(_) if ident == "Result" => self.definition(id, depth),
            TypeDef::Variant(_) => self.named(id, depth),
            TypeDef::BitSequence(_) => "never".to_owned(),
        }
    }

    fn written_list(&mut self, item: u32, depth: usize) -> String {
        let is_byte = self.types.resolve(item).is_some_and(|item| {
            matches!(item.type_def, TypeDef::Primitive(TypeDefPrimitive::U8))
        });
        if is_byte {
            return "`0x${string}`".to_owned();
        }
        let item = self.written(item, depth + 1);
        if item.contains([' ', '|']) { format!("({item})[]") } else { format!("{item}[]") }
    }

    /// The name of a declared type; declares it where it is new.
    fn named(&mut self, id: u32, depth: usize) -> String {
        if let Some(name) = self.names.get(&id) {
            return name.clone();
        }
        let mut name = pascal(&text::type_name(id, self.types));
        if name.is_empty() {
            name = "Unnamed".to_owned();
        }
        let plain = name.clone();
        let mut copies = 1;
        while !self.taken.insert(name.clone()) {
            copies += 1;
            name = format!("{plain}{copies}");
        }
        // Before its parts, so that a type that contains itself finds its name.
        self.names.insert(id, name.clone());
        let definition = self.definition(id, depth);
        let docs = self.types.resolve(id).map(|kind| kind.docs.join(" ")).unwrap_or_default();
        let declaration = format!("\n{}export type {name} = {definition};\n", comment(&docs, ""));
        self.declarations.insert(name.clone(), declaration);
        name
    }

    fn definition(&mut self, id: u32, depth: usize) -> String {
        let types = self.types;
        match types.resolve(id).map(|kind| &kind.type_def) {
            Some(TypeDef::Composite(composite)) => self.fields(&composite.fields, depth),
            Some(TypeDef::Variant(variant)) => {
                let variants = variant.variants.iter().map(|one| self.variant(one, depth));
                let variants: Vec<String> = variants.collect();
                if variants.is_empty() { "never".to_owned() } else { variants.join(" | ") }
            }
            _ => "unknown".to_owned(),
        }
    }

    fn variant(&mut self, variant: &Variant<PortableForm>, depth: usize) -> String {
        let name = property(&variant.name);
        match variant.fields.as_slice() {
            [] => Json::from(variant.name.as_str()).to_string(),
            [only] if only.name.is_none() => {
                format!("{{ {name}: {} }}", self.written(only.ty.id, depth + 1))
            }
            fields => format!("{{ {name}: {} }}", self.fields(fields, depth)),
        }
    }

    /// Named fields as an object, others as a tuple.
    fn fields(&mut self, fields: &[Field<PortableForm>], depth: usize) -> String {
        let named = !fields.is_empty() && fields.iter().all(|field| field.name.is_some());
        let mut written = Vec::new();
        for field in fields {
            let kind = self.written(field.ty.id, depth + 1);
            written.push(match &field.name {
                Some(name) if named => format!("{}: {kind}", property(name)),
                _ => kind,
            });
        }
        if named { format!("{{ {} }}", written.join("; ")) } else { format!("[{}]", written.join(", ")) }
    }
}

fn written_primitive(primitive: &TypeDefPrimitive) -> &'static str {
    use TypeDefPrimitive as P;
    match primitive {
        P::Bool => "boolean",
        P::Str => "string",
        P::U8 | P::U16 | P::U32 | P::I8 | P::I16 | P::I32 => "number",
        P::U64 | P::U128 | P::I64 | P::I128 => "bigint",
        // Neither side can write or read them.
        P::Char | P::U256 | P::I256 => "never",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names() {
        assert_eq!(class_name("ballot 0.1.0"), "Ballot");
        assert_eq!(class_name("private-join"), "PrivateJoin");
        assert_eq!(class_name("contract"), "ContractContract");
        assert_eq!(class_name("3d"), "Contract3d");
        assert_eq!(property("tally"), "tally");
        assert_eq!(property("Erc20::transfer"), "\"Erc20::transfer\"");
        assert_eq!(parameter("new", 0), "new_");
        assert_eq!(parameter("a-b", 2), "argument2");
    }

    #[test]
    fn a_comment_cannot_be_left() {
        assert_eq!(comment("a */ b\nc", "  "), "  /** a * / b c */\n");
        assert_eq!(comment("  ", ""), "");
    }
}
