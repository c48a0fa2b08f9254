//! What goes into the sandbox: scripts and arguments as one block of bytes.

use contract_abi::script::JsCode;

/// The block that `guest/shim.c` takes apart.
pub struct Input(Vec<u8>);

impl Input {
    /// Lays `codes` and `arguments` out, in at most `bytes_max` bytes.
    ///
    /// # Errors
    /// Why they are refused, for people.
    pub fn pack(codes: &[JsCode], arguments: &[String], bytes_max: u64) -> Result<Self, String> {
        let sources = codes
            .iter()
            .enumerate()
            .map(|(index, code)| match code {
                JsCode::Source(source) => Ok(source.as_str()),
                JsCode::Bytecode(_) => Err(format!(
                    "code[{index}] is bytecode, which is refused: QuickJS does not check it, and \
                     forged bytecode breaks out of the interpreter; send the source text"
                )),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let texts = || {
            let arguments = arguments.iter().map(String::as_str);
            arguments.chain(sources.iter().copied())
        };
        // Two counts; for each text its length and a zero byte.
        let bytes = texts().fold(8, |sum: u64, text| {
            sum.saturating_add(text.len() as u64 + 5)
        });
        let too_long =
            || format!("scripts and arguments have {bytes} bytes; memory is {bytes_max}");
        if bytes > bytes_max {
            return Err(too_long());
        }
        let number = |length: usize| {
            u32::try_from(length)
                .map(u32::to_le_bytes)
                .map_err(|_| too_long())
        };
        let mut block = Vec::new();
        block.extend(number(arguments.len())?);
        block.extend(number(codes.len())?);
        for text in texts() {
            block.extend(number(text.len())?);
            block.extend(text.as_bytes());
            block.push(0);
        }
        number(block.len())?;
        Ok(Self(block))
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}
