#include "CYAML.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

// ---------------------------------------------------------------------------------------------------------- parser

struct CYAMLParser {
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    unsigned char *bytes;
    size_t count;
};

CYAMLParser *cyaml_parser_create(const unsigned char *bytes, size_t count) {
    CYAMLParser *self = calloc(1, sizeof(*self));
    if (self == NULL) { return NULL; }
    self->bytes = malloc(count > 0 ? count : 1);
    if (self->bytes == NULL || !yaml_parser_initialize(&self->parser)) {
        free(self->bytes);
        free(self);
        return NULL;
    }
    if (count > 0) { memcpy(self->bytes, bytes, count); }
    self->count = count;
    yaml_parser_set_encoding(&self->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&self->parser, self->bytes, count);
    return self;
}

static void free_event(CYAMLParser *self) {
    if (self->has_event) { yaml_event_delete(&self->event); }
    self->has_event = false;
}

void cyaml_parser_destroy(CYAMLParser *self) {
    if (self == NULL) { return; }
    free_event(self);
    yaml_parser_delete(&self->parser);
    free(self->bytes);
    free(self);
}

static void fill(const yaml_event_t *from, CYAMLEvent *to) {
    switch (from->type) {
    case YAML_STREAM_END_EVENT:
        to->kind = CYAML_STREAM_END;
        break;
    case YAML_DOCUMENT_START_EVENT:
        to->kind = CYAML_DOCUMENT_START;
        break;
    case YAML_ALIAS_EVENT:
        to->kind = CYAML_ALIAS;
        to->anchor = (const char *)from->data.alias.anchor;
        break;
    case YAML_SCALAR_EVENT:
        to->kind = CYAML_SCALAR;
        to->anchor = (const char *)from->data.scalar.anchor;
        to->tag = (const char *)from->data.scalar.tag;
        to->value = from->data.scalar.value;
        to->value_length = from->data.scalar.length;
        to->is_plain = from->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        break;
    case YAML_SEQUENCE_START_EVENT:
        to->kind = CYAML_SEQUENCE_START;
        to->anchor = (const char *)from->data.sequence_start.anchor;
        to->tag = (const char *)from->data.sequence_start.tag;
        break;
    case YAML_SEQUENCE_END_EVENT:
        to->kind = CYAML_SEQUENCE_END;
        break;
    case YAML_MAPPING_START_EVENT:
        to->kind = CYAML_MAPPING_START;
        to->anchor = (const char *)from->data.mapping_start.anchor;
        to->tag = (const char *)from->data.mapping_start.tag;
        break;
    case YAML_MAPPING_END_EVENT:
        to->kind = CYAML_MAPPING_END;
        break;
    default:
        break;
    }
}

bool cyaml_parser_next(CYAMLParser *self, CYAMLEvent *event) {
    free_event(self);
    if (!yaml_parser_parse(&self->parser, &self->event)) { return false; }
    self->has_event = true;
    memset(event, 0, sizeof(*event));
    event->line = self->event.start_mark.line;
    event->column = self->event.start_mark.column;
    fill(&self->event, event);
    return true;
}

CYAMLProblem cyaml_parser_problem(const CYAMLParser *self) {
    const yaml_parser_t *parser = &self->parser;
    CYAMLProblem problem = {
        .message = parser->problem != NULL ? parser->problem : "out of memory",
        .line = parser->problem_mark.line,
        .column = parser->problem_mark.column,
    };
    if (parser->error == YAML_READER_ERROR) {
        // The reader runs ahead of the marks and knows byte offsets only.
        problem.line = 0;
        problem.column = 0;
        for (size_t index = 0; index < parser->problem_offset && index < self->count; index++) {
            problem.column++;
            if (self->bytes[index] == '\n') {
                problem.line++;
                problem.column = 0;
            }
        }
    }
    return problem;
}

// --------------------------------------------------------------------------------------------------------- emitter

struct CYAMLEmitter {
    yaml_emitter_t emitter;
    unsigned char *text;
    size_t count;
    size_t capacity;
};

// Called by libyaml with each full buffer; grows the text by doubling.
static int append(void *context, unsigned char *bytes, size_t size) {
    CYAMLEmitter *self = context;
    if (self->capacity - self->count < size) {
        size_t wanted = (self->count + size) * 2;
        unsigned char *text = realloc(self->text, wanted);
        if (text == NULL) { return 0; }
        self->text = text;
        self->capacity = wanted;
    }
    memcpy(self->text + self->count, bytes, size);
    self->count += size;
    return 1;
}

CYAMLEmitter *cyaml_emitter_create(void) {
    CYAMLEmitter *self = calloc(1, sizeof(*self));
    if (self == NULL) { return NULL; }
    if (!yaml_emitter_initialize(&self->emitter)) {
        free(self);
        return NULL;
    }
    yaml_emitter_set_output(&self->emitter, append, self);
    yaml_emitter_set_unicode(&self->emitter, 1);
    yaml_emitter_set_indent(&self->emitter, 2);
    // Long lines are not folded.
    yaml_emitter_set_width(&self->emitter, -1);
    return self;
}

void cyaml_emitter_destroy(CYAMLEmitter *self) {
    if (self == NULL) { return; }
    yaml_emitter_delete(&self->emitter);
    free(self->text);
    free(self);
}

bool cyaml_emit_start(CYAMLEmitter *self) {
    yaml_event_t event;
    return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) && yaml_emitter_emit(&self->emitter, &event)
        && yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1)
        && yaml_emitter_emit(&self->emitter, &event);
}

bool cyaml_emit_scalar(CYAMLEmitter *self, const unsigned char *bytes, size_t count, CYAMLStyle style) {
    if (count > INT_MAX) { return false; }
    yaml_scalar_style_t vendor_style = YAML_ANY_SCALAR_STYLE;
    if (style == CYAML_STYLE_DOUBLE_QUOTED) { vendor_style = YAML_DOUBLE_QUOTED_SCALAR_STYLE; }
    if (style == CYAML_STYLE_LITERAL) { vendor_style = YAML_LITERAL_SCALAR_STYLE; }
    yaml_event_t event;
    return yaml_scalar_event_initialize(&event, NULL, NULL, bytes, (int)count, 1, 1, vendor_style)
        && yaml_emitter_emit(&self->emitter, &event);
}

bool cyaml_emit_sequence_start(CYAMLEmitter *self) {
    yaml_event_t event;
    return yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE)
        && yaml_emitter_emit(&self->emitter, &event);
}

bool cyaml_emit_sequence_end(CYAMLEmitter *self) {
    yaml_event_t event;
    return yaml_sequence_end_event_initialize(&event) && yaml_emitter_emit(&self->emitter, &event);
}

bool cyaml_emit_mapping_start(CYAMLEmitter *self) {
    yaml_event_t event;
    return yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE)
        && yaml_emitter_emit(&self->emitter, &event);
}

bool cyaml_emit_mapping_end(CYAMLEmitter *self) {
    yaml_event_t event;
    return yaml_mapping_end_event_initialize(&event) && yaml_emitter_emit(&self->emitter, &event);
}

bool cyaml_emit_end(CYAMLEmitter *self) {
    yaml_event_t event;
    return yaml_document_end_event_initialize(&event, 1) && yaml_emitter_emit(&self->emitter, &event)
        && yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(&self->emitter, &event)
        && yaml_emitter_flush(&self->emitter);
}

const unsigned char *cyaml_emitter_text(const CYAMLEmitter *self, size_t *count) {
    *count = self->count;
    return self->text;
}
