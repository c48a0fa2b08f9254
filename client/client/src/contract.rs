//! A contract's metadata: which messages it has, how their arguments are written, what they answer.

use crate::text;
use primitives::CodeHash;
use scale_info::PortableRegistry;
use serde::Deserialize;
use serde_json::Value as Json;
use wire::domain;


/// What is wrong with a contract file, or with what is asked of a contract.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// Not a `.contract` file.
    #[error("not a .contract file: {0}")]
    NotAContract(String),
    /// The code in it is not the code its hash names.
    #[error("the file's code has hash {found}, but the file says {stated}: it was altered or cut short")]
    AnotherCode {
        /// What the bytes hash to.
        found: CodeHash,
        /// What the file says.
        stated: CodeHash,
    },
    /// It holds no code, only metadata.
    #[error("the file holds metadata only, no code; build it with phat build")]
    NoCode,
    /// No such message or constructor.
    #[error("there is no {kind} {name}; there are: {known}")]
    NoSuchMessage {
        /// "constructor" or "message".
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The wrong number of arguments.
    #[error("{message} takes {expected} argument(s) ({signature}), {found} given")]
    ArgumentCount {
        /// Of which message.
        message: String,
        /// How many it takes.
        expected: usize,
        /// How many there were.
        found: usize,
        /// Names and types.
        signature: String,
    },
    /// An argument is not of its type.
    #[error("argument {argument} of {message} is of type {kind}: {reason}")]
    Argument {
        /// Of which message.
        message: String,
        /// Its name.
        argument: String,
        /// Its type.
        kind: String,
        /// What is wrong.
        reason: String,
    },
    /// The answer does not fit the metadata.
    #[error("the answer does not fit the metadata: {0}; is this the metadata of the contract asked?")]
    Answer(String),
}

#[derive(Deserialize)]
struct File {
    source: Source,
    #[serde(default)]
    contract: About,
    spec: Spec,
    types: Vec<scale_info::PortableType>,
}

#[derive(Deserialize)]
struct Source {
    hash: CodeHash,
    #[serde(default)]
    wasm: Option<String>,
}

#[derive(Deserialize, Default)]
struct About {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
struct Spec {
    constructors: Vec<MessageSpec>,
    messages: Vec<MessageSpec>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageSpec {
    label: String,
    selector: String,
    args: Vec<ArgumentSpec>,
    return_type: Option<TypeSpec>,
    #[serde(default)]
    mutates: bool,
    #[serde(default)]
    docs: Vec<String>,
}

#[derive(Deserialize)]
struct ArgumentSpec {
    label: String,
    #[serde(rename = "type")]
    kind: TypeSpec,
}

#[derive(Deserialize, Clone, Copy)]
struct TypeSpec {
    #[serde(rename = "type")]
    id: u32,
}

/// A message or constructor.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its name.
    pub label: String,
    /// Its first four bytes.
    pub selector: [u8; 4],
    /// Names and types of its arguments.
    pub arguments: Vec<(String, u32)>,
    /// Its return type.
    pub(crate) returns: Option<u32>,
    /// Whether it changes state: then it is called, not queried.
    pub mutates: bool,
    /// What its author says of it.
    pub docs: String,
}

/// What a message answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// A value.
    Value(Json),
    /// The contract returned an error, and nothing changed.
    Error(Json),
}

/// A contract: its code and its metadata.
pub struct Contract {
    /// Its name and version, as its author wrote them.
    pub name: String,
    /// Hash of its code.
    pub code_hash: CodeHash,
    code: Option<Vec<u8>>,
    constructors: Vec<Message>,
    messages: Vec<Message>,
    pub(crate) types: PortableRegistry,
}

impl Contract {
    /// Reads a `.contract` file (ink! metadata version 4 or 5).
    ///
    /// # Errors
    /// When it is no such file, or its code is not what its hash says.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ContractError> {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        // Says where in the file the mistake is.
        let file: File = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| ContractError::NotAContract(error.to_string()))?;
        json.end().map_err(|error| ContractError::NotAContract(error.to_string()))?;
        let code = file
            .source
            .wasm
            .map(|text| hex::decode(text.trim_start_matches("0x")))
            .transpose()
            .map_err(|error| ContractError::NotAContract(format!("source.wasm: {error}")))?;
        if let Some(code) = &code {
            let found = domain::code_hash(code);
            if found != file.source.hash {
                return Err(ContractError::AnotherCode { found, stated: file.source.hash });
            }
        }
        Ok(Self {
            name: format!("{} {}", file.contract.name, file.contract.version).trim().to_owned(),
            code_hash: file.source.hash,
            code,
            constructors: messages(file.spec.constructors)?,
            messages: messages(file.spec.messages)?,
            types: serde_json::from_value(serde_json::json!({ "types": file.types }))
                .map_err(|error| ContractError::NotAContract(format!("types: {error}")))?,
        })
    }

    /// Its WebAssembly.
    ///
    /// # Errors
    /// When the file holds none.
    pub fn code(&self) -> Result<&[u8], ContractError> {
        self.code.as_deref().ok_or(ContractError::NoCode)
    }

    /// Its constructors.
    pub fn constructors(&self) -> &[Message] {
        &self.constructors
    }

    /// Its messages.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// A constructor by name.
    ///
    /// # Errors
    /// When there is none of that name; the error lists what there is.
    pub fn constructor(&self, name: &str) -> Result<&Message, ContractError> {
        find("constructor", name, &self.constructors)
    }

    /// A message by name.
    ///
    /// # Errors
    /// When there is none of that name; the error lists what there is.
    pub fn message(&self, name: &str) -> Result<&Message, ContractError> {
        find("message", name, &self.messages)
    }

    /// `name: Type, …` of a message's arguments.
    pub fn signature(&self, message: &Message) -> String {
        message
            .arguments
            .iter()
            .map(|(name, id)| format!("{name}: {}", text::type_name(*id, &self.types)))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Selector and arguments, from arguments as typed on a command line.
    ///
    /// # Errors
    /// When their number or a type is wrong; the error names the argument and the type.
    pub fn encode(
        &self,
        message: &Message,
        arguments: &[impl AsRef<str>],
    ) -> Result<Vec<u8>, ContractError> {
        let values: Vec<Json> = arguments
            .iter()
            .map(|argument| text::argument_to_json(argument.as_ref()))
            .collect();
        self.encode_values(message, &values)
    }

    /// Selector and arguments, from JSON values.
    ///
    /// # Errors
    /// As [`Contract::encode`].
    pub fn encode_values(
        &self,
        message: &Message,
        values: &[Json],
    ) -> Result<Vec<u8>, ContractError> {
        if values.len() != message.arguments.len() {
            return Err(ContractError::ArgumentCount {
                message: message.label.clone(),
                expected: message.arguments.len(),
                found: values.len(),
                signature: self.signature(message),
            });
        }
        let mut bytes = message.selector.to_vec();
        for (value, (argument, id)) in values.iter().zip(&message.arguments) {
            text::encode(value, *id, &self.types, &mut bytes).map_err(|reason| {
                ContractError::Argument {
                    message: message.label.clone(),
                    argument: argument.clone(),
                    kind: text::type_name(*id, &self.types),
                    reason,
                }
            })?;
        }
        Ok(bytes)
    }

    /// What a message returned, from its bytes.
    ///
    /// # Errors
    /// When the bytes are not of the type in the metadata.
    pub fn decode(&self, message: &Message, data: &[u8]) -> Result<Output, ContractError> {
        let Some(id) = message.returns else { return Ok(Output::Value(Json::Null)) };
        if data.is_empty() {
            return Ok(Output::Value(Json::Null));
        }
        let json = text::decode(data, id, &self.types).map_err(ContractError::Answer)?;
        // ink! wraps every answer in Result<_, LangError>; people want what is inside, and a message
        // that itself returns a Result has said all with it.
        Ok(match unwrap_result(json) {
            Ok(inner) => match unwrap_result(inner) {
                Ok(value) => Output::Value(value),
                Err(error) => Output::Error(error),
            },
            Err(error) => Output::Error(error),
        })
    }
}

/// `{"Ok": x}` or `"Ok"` gives x or null; `{"Err": e}` gives the error; all else is itself.
fn unwrap_result(json: Json) -> Result<Json, Json> {
    match json {
        Json::Object(mut object) if object.len() == 1 && object.contains_key("Ok") => {
            Ok(object.remove("Ok").unwrap_or_default())
        }
        Json::Object(mut object) if object.len() == 1 && object.contains_key("Err") => {
            Err(object.remove("Err").unwrap_or_default())
        }
        other => Ok(other),
    }
}

fn find<'a>(
    kind: &'static str,
    name: &str,
    messages: &'a [Message],
) -> Result<&'a Message, ContractError> {
    messages.iter().find(|message| message.label == name).ok_or_else(|| {
        let known: Vec<&str> = messages.iter().map(|message| message.label.as_str()).collect();
        ContractError::NoSuchMessage { kind, name: name.to_owned(), known: known.join(", ") }
    })
}

fn messages(specs: Vec<MessageSpec>) -> Result<Vec<Message>, ContractError> {
    specs
        .into_iter()
        .map(|spec| {
            let mut selector = [0; 4];
            hex::decode_to_slice(spec.selector.trim_start_matches("0x"), &mut selector).map_err(
                |_| ContractError::NotAContract(format!("the selector of {}", spec.label)),
            )?;
            Ok(Message {
                selector,
                arguments: spec.args.into_iter().map(|arg| (arg.label, arg.kind.id)).collect(),
                returns: spec.return_type.map(|kind| kind.id),
                mutates: spec.mutates,
                docs: spec.docs.join(" ").trim().to_owned(),
                label: spec.label,
            })
        })
        .collect()
}
