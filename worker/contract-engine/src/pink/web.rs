//! HTTP and JavaScript. Only queries have them; what they wait for counts as time of the query, whose
//! hold on a processor is given away meanwhile.

use std::time::{Duration, Instant};

use contract_abi::http::{
    HttpError, HttpRequest, HttpResponse, STATUS_TIMEOUT, STATUS_UNREACHABLE,
};
use contract_abi::script::{JsCode, JsValue};
use executor_api::{HttpBounds, ScriptBounds};

use crate::execution::Execution;
use crate::host::Guest;
use crate::limits::{HTTP_HEADERS_MAX, SCRIPT_MEMORY_BYTES_MAX, cost};
use crate::stop::Stop;

/// The reason of a response where HTTP is not offered.
const UNAVAILABLE: &str = "API Unavailable";

fn charge_bytes(guest: &mut Guest<'_>, bytes: usize) -> Result<(), Stop> {
    guest.charge(cost::OUTSIDE_BYTE.saturating_mul(bytes as u64))
}

fn out_of_time() -> Stop {
    Stop::limit("the query took too long")
}

/// When the query must have ended; an error once that is past.
fn deadline(execution: &Execution) -> Result<Instant, Stop> {
    let deadline = execution.deadline();
    let deadline = deadline.ok_or_else(|| Stop::bug("only queries wait, and they have an end"))?;
    match deadline > Instant::now() {
        true => Ok(deadline),
        false => Err(out_of_time()),
    }
}

/// A response that stands for a failure.
fn failed(status_code: u16, reason: &str) -> HttpResponse {
    HttpResponse {
        status_code,
        reason_phrase: reason.into(),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

/// What one request got.
type Answer = Result<HttpResponse, HttpError>;

/// Sends what may be sent, and waits for all of it. One answer for each request, in order.
fn send(
    guest: &mut Guest<'_>,
    requests: Vec<HttpRequest>,
    until: impl FnOnce(Instant) -> Instant,
) -> Result<Vec<Answer>, Stop> {
    for request in &requests {
        guest.charge(cost::HTTP_REQUEST)?;
        let headers = request.headers.iter();
        let headers = headers.map(|(name, value)| name.len() + value.len());
        let bytes = request.url.len() + headers.sum::<usize>() + request.body.len();
        charge_bytes(guest, bytes)?;
    }
    let contract = guest.frame().contract;
    let execution = guest.execution()?;
    let deadline = until(deadline(execution)?);
    let body_bytes_max = execution.limits().http_body_bytes;
    let count = requests.len();
    let Some(http) = execution.capabilities().http() else {
        return Ok(vec![Err(HttpError::NotAllowed); count]);
    };
    let too_long = |request: &HttpRequest| request.body.len() > body_bytes_max as usize;
    if requests.iter().any(too_long) {
        return Err(Stop::trap(format!(
            "a request's body is longer than the {body_bytes_max} bytes that the cluster allows"
        )));
    }
    let bounds = HttpBounds {
        deadline,
        body_bytes_max,
    };
    let turn = execution.capabilities().turn();
    turn.pause();
    let mut answers = http.send(&contract, requests, bounds);
    if !turn.resume() {
        return Err(out_of_time());
    }
    answers.resize(count, Err(HttpError::NetworkError));
    let bounded = |answer: Answer| {
        let response = answer?;
        if response.headers.len() > HTTP_HEADERS_MAX {
            return Err(HttpError::TooManyHeaders);
        }
        match response.body.len() > body_bytes_max as usize {
            true => Err(HttpError::ResponseTooLarge),
            false => Ok(response),
        }
    };
    let answers: Vec<Answer> = answers.into_iter().map(bounded).collect();
    for response in answers.iter().flatten() {
        charge_bytes(guest, response.body.len())?;
    }
    Ok(answers)
}

/// One request. That nothing was reached, or not in time, is a status; what the contract did wrong, and
/// a response that is too long, trap.
pub fn http_request(guest: &mut Guest<'_>, input: &[u8]) -> Result<HttpResponse, Stop> {
    let request: HttpRequest = guest.decode(input)?;
    if !guest.execution()?.is_query() || guest.execution()?.capabilities().http().is_none() {
        guest.charge(cost::HTTP_REQUEST)?;
        return Ok(failed(STATUS_UNREACHABLE, UNAVAILABLE));
    }
    let answer = send(guest, vec![request], |end| end)?.pop();
    let trap = |what: &str| Err(Stop::trap(format!("the HTTP request failed: {what}")));
    match answer.unwrap_or(Err(HttpError::NetworkError)) {
        Ok(response) => Ok(response),
        Err(HttpError::NetworkError) => Ok(failed(STATUS_UNREACHABLE, "Unreachable")),
        Err(HttpError::NotAllowed) => Ok(failed(STATUS_UNREACHABLE, "Not Allowed")),
        Err(HttpError::Timeout) => Ok(failed(STATUS_TIMEOUT, "Timeout")),
        Err(HttpError::InvalidUrl) => trap("its URL is none, or not http or https"),
        Err(HttpError::InvalidMethod) => trap("its method is none"),
        Err(HttpError::InvalidHeaderName) => trap("the name of a header is none"),
        Err(HttpError::InvalidHeaderValue) => trap("the value of a header is none"),
        Err(HttpError::FailedToCreateClient) => trap("there is no client"),
        Err(HttpError::TooManyRequests) => trap("there are too many requests"),
        Err(HttpError::ResponseTooLarge) => trap("the response is longer than allowed"),
        Err(HttpError::TooManyHeaders) => trap("the response has more headers than allowed"),
    }
}

/// Several requests at once, within a time of their own that the query's time bounds.
pub fn batch_http_request(
    guest: &mut Guest<'_>,
    input: &[u8],
) -> Result<Result<Vec<Answer>, HttpError>, Stop> {
    let (requests, timeout_ms): (Vec<HttpRequest>, u64) = guest.decode(input)?;
    let execution = guest.execution()?;
    if !execution.is_query() || execution.capabilities().http().is_none() {
        guest.charge(cost::HTTP_REQUEST)?;
        return Ok(Err(HttpError::NotAllowed));
    }
    if requests.len() > execution.limits().http_batch as usize {
        return Ok(Err(HttpError::TooManyRequests));
    }
    let until = |end: Instant| {
        let wanted = Instant::now().checked_add(Duration::from_millis(timeout_ms));
        wanted.map_or(end, |wanted| wanted.min(end))
    };
    send(guest, requests, until).map(Ok)
}

pub fn js_eval(guest: &mut Guest<'_>, input: &[u8]) -> Result<JsValue, Stop> {
    guest.charge(cost::SCRIPT)?;
    charge_bytes(guest, input.len())?;
    let (codes, arguments): (Vec<JsCode>, Vec<String>) = guest.decode(input)?;
    let execution = guest.execution()?;
    let exception = |text: &str| Ok(JsValue::Exception(text.into()));
    if !execution.is_query() {
        return exception("Js evaluation is not supported in transaction");
    }
    let deadline = deadline(execution)?;
    let capabilities = execution.capabilities();
    let Some(scripts) = capabilities.scripts() else {
        return exception("Js evaluation is not offered by this worker");
    };
    let bounds = ScriptBounds {
        deadline,
        memory_bytes_max: SCRIPT_MEMORY_BYTES_MAX,
        turn: capabilities.turn(),
    };
    let value = scripts.evaluate(&codes, &arguments, bounds);
    // A script is cut off at the deadline; the query ends with it.
    self::deadline(guest.execution()?)?;
    Ok(value)
}
