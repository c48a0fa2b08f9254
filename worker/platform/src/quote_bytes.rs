//! The little that a quote source must know of a quote: how long it is and what it is over. Whether
//! it is genuine is for `attestation`.

use crate::QuoteError;

const HEADER_BYTES: usize = 48;
const SGX_REPORT_BYTES: usize = 384;
const TD10_REPORT_BYTES: usize = 584;
/// In a version 5 quote, kind (2 bytes) and length (4 bytes) of the report come before it.
const BODY_HEADER_BYTES: usize = 6;
const REPORT_DATA_BYTES: usize = 64;

/// The quote without what follows its signature part, if it is over the report data.
///
/// Interfaces with fixed-size buffers leave zeros behind the quote.
pub(crate) fn checked(
    mut quote: Vec<u8>,
    report_data: &[u8; REPORT_DATA_BYTES],
) -> Result<Vec<u8>, QuoteError> {
    let layout = layout(&quote).ok_or(QuoteError::Malformed { bytes: quote.len() })?;
    let over = &quote[layout.report_data_offset..layout.report_data_offset + REPORT_DATA_BYTES];
    if over != report_data {
        return Err(QuoteError::OtherReportData);
    }
    quote.truncate(layout.bytes);
    Ok(quote)
}

struct Layout {
    report_data_offset: usize,
    bytes: usize,
}

/// `None` when the quote is shorter than it says or of a version unknown here.
fn layout(quote: &[u8]) -> Option<Layout> {
    let version = u16::from_le_bytes(array(quote, 0)?);
    let tee_type = u32::from_le_bytes(array(quote, 4)?);
    // The report data is the last part of an SGX or TDX 1.0 report; longer TD reports append to
    // that.
    let (report_data_end, report_end) = match (version, tee_type) {
        (3, 0) => (
            HEADER_BYTES + SGX_REPORT_BYTES,
            HEADER_BYTES + SGX_REPORT_BYTES,
        ),
        (4, 0x81) => (
            HEADER_BYTES + TD10_REPORT_BYTES,
            HEADER_BYTES + TD10_REPORT_BYTES,
        ),
        (5, 0x81) => {
            let report_bytes = u32::from_le_bytes(array(quote, HEADER_BYTES + 2)?) as usize;
            let start = HEADER_BYTES + BODY_HEADER_BYTES;
            if report_bytes < TD10_REPORT_BYTES {
                return None;
            }
            (start + TD10_REPORT_BYTES, start.checked_add(report_bytes)?)
        }
        _ => return None,
    };
    let signature_bytes = u32::from_le_bytes(array(quote, report_end)?) as usize;
    let bytes = report_end.checked_add(4)?.checked_add(signature_bytes)?;
    (bytes <= quote.len()).then_some(Layout {
        report_data_offset: report_data_end - REPORT_DATA_BYTES,
        bytes,
    })
}

fn array<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..offset.checked_add(N)?)?.try_into().ok()
}
