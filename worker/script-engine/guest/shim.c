// QuickJS as a WebAssembly module with one import (the clock) and five exports.
//
// The host calls `prepare` once and keeps the memory as it is then; each evaluation begins with a
// copy of it: `allocate` a block, write the input there, `run`, read the result. An instance
// evaluates once, so nothing is freed at the end.
//
// Nothing here is trusted by the host: what these functions return is checked there.

// Included, not linked: the stack limit and the state of Math.random have no public setters that
// work on WebAssembly.
#include "quickjs.c"

#define EXPORT(name) __attribute__((export_name(#name))) name

// ---------------------------------------------------------------------------------------- libc

__attribute__((import_module("host"), import_name("now_ms"))) extern double host_now_ms(void);

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    (void)zone;
    int64_t now_ms = (int64_t)host_now_ms();
    time->tv_sec = now_ms / 1000;
    time->tv_usec = (now_ms % 1000) * 1000;
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    (void)clock;
    int64_t now_ms = (int64_t)host_now_ms();
    time->tv_sec = now_ms / 1000;
    time->tv_nsec = (now_ms % 1000) * 1000000;
    return 0;
}

_Noreturn void abort(void)
{
    __builtin_trap();
}

// The ends of stdio. Without these libc brings its own, which import files from the host.

size_t __stdio_write(FILE *file, const unsigned char *bytes, size_t length)
{
    (void)file, (void)bytes;
    return length;
}

size_t __stdout_write(FILE *file, const unsigned char *bytes, size_t length)
{
    (void)file, (void)bytes;
    return length;
}

off_t __stdio_seek(FILE *file, off_t offset, int whence)
{
    (void)file, (void)offset, (void)whence;
    return -1;
}

int __stdio_close(FILE *file)
{
    (void)file;
    return 0;
}

int __isatty(int descriptor)
{
    (void)descriptor;
    return 0;
}

// --------------------------------------------------------------------------------- the prelude

static const char prelude[] = {
#embed "prelude.js" suffix(, )
    0
};

// (string) => Uint8Array
static JSValue encode_utf8(JSContext *ctx, JSValueConst this_value, int count, JSValueConst *arguments)
{
    (void)this_value, (void)count;
    size_t length;
    const char *text = JS_ToCStringLen(ctx, &length, arguments[0]);
    if (!text)
        return JS_EXCEPTION;
    JSValue bytes = JS_NewUint8ArrayCopy(ctx, (const uint8_t *)text, length);
    JS_FreeCString(ctx, text);
    return bytes;
}

// (Uint8Array, fatal, ignoreBOM) => string
static JSValue decode_utf8(JSContext *ctx, JSValueConst this_value, int count, JSValueConst *arguments)
{
    (void)this_value, (void)count;
    size_t length;
    const uint8_t *bytes = JS_GetUint8Array(ctx, &length, arguments[0]);
    if (!bytes && JS_HasException(ctx))
        return JS_EXCEPTION;
    bool has_bom = length >= 3 && !memcmp(bytes, "\xEF\xBB\xBF", 3);
    if (has_bom && !JS_ToBool(ctx, arguments[2])) {
        bytes += 3;
        length -= 3;
    }
    JSValue text = JS_NewStringLen(ctx, (const char *)bytes, length);
    if (JS_IsException(text) || !JS_ToBool(ctx, arguments[1]))
        return text;
    // What was not UTF-8 has been replaced, and does not come back.
    size_t back_length;
    const char *back = JS_ToCStringLen(ctx, &back_length, text);
    bool is_same = back && back_length == length && !memcmp(back, bytes, length);
    JS_FreeCString(ctx, back);
    if (!is_same) {
        JS_FreeValue(ctx, text);
        return back ? JS_ThrowTypeError(ctx, "TextDecoder: the bytes are not UTF-8") : JS_EXCEPTION;
    }
    return text;
}

static bool run_prelude(JSContext *ctx)
{
    JSValue function =
        JS_Eval(ctx, prelude, sizeof prelude - 1, "prelude", JS_EVAL_TYPE_GLOBAL);
    if (JS_IsException(function))
        return false;
    JSValue natives[] = {
        JS_NewCFunction(ctx, encode_utf8, "encodeUtf8", 1),
        JS_NewCFunction(ctx, decode_utf8, "decodeUtf8", 3),
    };
    JSValue result = JS_Call(ctx, function, JS_UNDEFINED, 2, vc(natives));
    for (size_t i = 0; i < countof(natives); i++)
        JS_FreeValue(ctx, natives[i]);
    JS_FreeValue(ctx, function);
    return !JS_IsException(result);
}

// -------------------------------------------------------------------------------------- results

// As in `src/guest.rs`.
enum kind { UNDEFINED, NULL_VALUE, STRING, BYTES, OTHER, EXCEPTION };

static JSRuntime *runtime;
static JSContext *context;

static const void *result_bytes;
static size_t result_length;

static enum kind give(enum kind kind, const void *bytes, size_t length)
{
    result_bytes = bytes;
    result_length = length;
    return kind;
}

static enum kind give_text(enum kind kind, const char *text)
{
    return give(kind, text, strlen(text));
}

static void forget_exception(JSContext *ctx)
{
    JS_FreeValue(ctx, JS_GetException(ctx));
}

// JSON where there is one, else what String() gives; null where there is neither. May run the
// script's own code. The text is never freed.
static const char *text_of(JSContext *ctx, JSValueConst value, size_t *length)
{
    const char *text = NULL;
    bool is_odd_number = JS_IsNumber(value) && !isfinite(JS_VALUE_GET_TAG(value) == JS_TAG_INT
                                                             ? JS_VALUE_GET_INT(value)
                                                             : JS_VALUE_GET_FLOAT64(value));
    if (!is_odd_number) {
        JSValue json = JS_JSONStringify(ctx, value, JS_UNDEFINED, JS_UNDEFINED);
        if (JS_IsString(json))
            text = JS_ToCStringLen(ctx, length, json);
        JS_FreeValue(ctx, json);
    }
    if (!text) {
        forget_exception(ctx);
        JSValue shown = JS_DupValue(ctx, value);
        if (JS_IsSymbol(value)) {
            // String(symbol) is the one conversion that JS_ToString does not make.
            JSAtom name = JS_NewAtom(ctx, "toString");
            shown = JS_Invoke(ctx, value, name, 0, NULL);
        }
        text = JS_IsException(shown) ? NULL : JS_ToCStringLen(ctx, length, shown);
    }
    return text;
}

// "Error: message" and, below it, the stack.
static const char *text_of_error(JSContext *ctx, JSValueConst error, size_t *length)
{
    size_t head_length, stack_length = 0;
    const char *head = JS_ToCStringLen(ctx, &head_length, error);
    if (!head)
        return NULL;
    *length = head_length;
    JSValue stack = JS_GetPropertyStr(ctx, error, "stack");
    const char *trace = JS_IsString(stack) ? JS_ToCStringLen(ctx, &stack_length, stack) : NULL;
    if (!trace || !stack_length)
        return head;
    char *both = js_malloc(ctx, head_length + 1 + stack_length);
    if (!both)
        return head;
    memcpy(both, head, head_length);
    both[head_length] = '\n';
    memcpy(both + head_length + 1, trace, stack_length);
    *length = head_length + 1 + stack_length;
    return both;
}

static enum kind give_thrown(JSContext *ctx, JSValueConst thrown)
{
    size_t length;
    const char *text;
    if (JS_IsError(thrown))
        text = text_of_error(ctx, thrown, &length);
    else if (JS_IsString(thrown))
        text = JS_ToCStringLen(ctx, &length, thrown);
    else
        text = text_of(ctx, thrown, &length);
    if (text)
        return give(EXCEPTION, text, length);
    forget_exception(ctx);
    // Also null: an out-of-memory error that found no memory for itself.
    return give_text(EXCEPTION, JS_IsNull(thrown) ? "out of memory" : "it threw what has no text");
}

static enum kind give_exception(JSContext *ctx)
{
    return give_thrown(ctx, JS_GetException(ctx));
}

static enum kind give_bytes(JSContext *ctx, const uint8_t *bytes, size_t length)
{
    return !bytes && JS_HasException(ctx) ? give_exception(ctx) : give(BYTES, bytes, length);
}

static enum kind give_value(JSContext *ctx, JSValueConst value)
{
    size_t length;
    if (JS_IsUndefined(value))
        return give(UNDEFINED, NULL, 0);
    if (JS_IsNull(value))
        return give(NULL_VALUE, NULL, 0);
    if (JS_GetTypedArrayType(value) == JS_TYPED_ARRAY_UINT8) {
        const uint8_t *bytes = JS_GetUint8Array(ctx, &length, value);
        return give_bytes(ctx, bytes, length);
    }
    if (JS_IsArrayBuffer(value)) {
        const uint8_t *bytes = JS_GetArrayBuffer(ctx, &length, value);
        return give_bytes(ctx, bytes, length);
    }
    bool is_string = JS_IsString(value);
    const char *text =
        is_string ? JS_ToCStringLen(ctx, &length, value) : text_of(ctx, value, &length);
    return text ? give(is_string ? STRING : OTHER, text, length) : give_exception(ctx);
}

// --------------------------------------------------------------------------------- the scripts

// Runs what scripts left to be run later, then looks through a promise. False: `*value` was thrown.
static bool settle(JSContext *ctx, JSValue *value)
{
    int done;
    JSContext *of_job;
    while ((done = JS_ExecutePendingJob(runtime, &of_job)) > 0)
        ;
    if (done < 0) {
        *value = JS_GetException(of_job);
        return false;
    }
    switch (JS_PromiseState(ctx, *value)) {
    case JS_PROMISE_FULFILLED:
        *value = JS_PromiseResult(ctx, *value);
        return true;
    case JS_PROMISE_REJECTED:
        *value = JS_PromiseResult(ctx, *value);
        return false;
    default:
        return true;
    }
}

// The input: a 32-bit count of arguments and one of scripts, then each of them as a 32-bit length,
// its bytes, and a zero byte, which the parser wants to see.
typedef struct {
    const uint8_t *next;
} Input;

static uint32_t take_number(Input *input)
{
    uint32_t number;
    memcpy(&number, input->next, sizeof number);
    input->next += sizeof number;
    return number;
}

static const char *take_text(Input *input, size_t *length)
{
    *length = take_number(input);
    const char *text = (const char *)input->next;
    input->next += *length + 1;
    return text;
}

static bool set_arguments(JSContext *ctx, Input *input, uint32_t count)
{
    JSValue arguments = JS_NewArray(ctx);
    if (JS_IsException(arguments))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        size_t length;
        const char *text = take_text(input, &length);
        JSValue argument = JS_NewStringLen(ctx, text, length);
        if (JS_IsException(argument)
            || JS_DefinePropertyValueUint32(ctx, arguments, i, argument, JS_PROP_C_W_E) < 0)
            return false;
    }
    JSValue global = JS_GetGlobalObject(ctx);
    return JS_SetPropertyStr(ctx, global, "scriptArgs", arguments) >= 0;
}

int EXPORT(prepare)(size_t stack_limit)
{
    extern void __wasm_call_ctors(void);
    __wasm_call_ctors();
    runtime = JS_NewRuntime();
    if (!runtime)
        return 1;
    runtime->stack_limit = stack_limit;
    context = JS_NewContext(runtime);
    if (!context || !run_prelude(context))
        return 1;
    JS_RunGC(runtime);
    return 0;
}

void *EXPORT(allocate)(size_t length)
{
    return malloc(length);
}

int EXPORT(run)(const uint8_t *block, uint64_t seed)
{
    JSContext *ctx = context;
    Input input = { block };
    uint32_t argument_count = take_number(&input);
    uint32_t script_count = take_number(&input);
    // Zero would stay zero.
    ctx->random_state = seed ? seed : 1;
    if (!set_arguments(ctx, &input, argument_count))
        return give_exception(ctx);
    JSValue value = JS_UNDEFINED;
    for (uint32_t i = 0; i < script_count; i++) {
        size_t length;
        const char *source = take_text(&input, &length);
        char name[32];
        snprintf(name, sizeof name, "code[%u]", (unsigned)i);
        JS_FreeValue(ctx, value);
        value = JS_Eval(ctx, source, length, name, JS_EVAL_TYPE_GLOBAL);
        if (JS_IsException(value))
            return give_exception(ctx);
        if (!settle(ctx, &value))
            return give_thrown(ctx, value);
    }
    if (JS_PromiseState(ctx, value) == JS_PROMISE_PENDING)
        return give_text(EXCEPTION, "it ended with a promise that nothing settles");
    return give_value(ctx, value);
}

const void *EXPORT(result_pointer)(void)
{
    return result_bytes;
}

size_t EXPORT(result_size)(void)
{
    return result_length;
}
