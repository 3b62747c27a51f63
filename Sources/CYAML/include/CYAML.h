#ifndef CYAML_H
#define CYAML_H

// The part of libyaml that the YAML module uses, in shapes that Swift can hold safely: opaque owners instead of
// structs with unions and interior pointers, and one event record with plain fields.

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    CYAML_NOTHING,  // stream and document starts, and document ends
    CYAML_STREAM_END,
    CYAML_DOCUMENT_START,
    CYAML_ALIAS,
    CYAML_SCALAR,
    CYAML_SEQUENCE_START,
    CYAML_SEQUENCE_END,
    CYAML_MAPPING_START,
    CYAML_MAPPING_END,
} CYAMLEventKind;

typedef struct {
    CYAMLEventKind kind;
    // Where the event starts, from 0.
    size_t line;
    size_t column;
    // A scalar's text, not terminated.
    const unsigned char *value;
    size_t value_length;
    // An anchor, or an alias's target; null when there is none.
    const char *anchor;
    // An explicit tag, resolved; null when there is none.
    const char *tag;
    // Whether a scalar is neither quoted nor a block.
    bool is_plain;
} CYAMLEvent;

typedef struct {
    // A constant text; never null.
    const char *message;
    size_t line;
    size_t column;
} CYAMLProblem;

typedef struct CYAMLParser CYAMLParser;

// Makes a parser with its own copy of the text, so that nobody has to keep it alive; null without memory.
CYAMLParser *cyaml_parser_create(const unsigned char *bytes, size_t count);
void cyaml_parser_destroy(CYAMLParser *parser);
// Reads the next event and frees the one before; the pointers in it live until the next call.
bool cyaml_parser_next(CYAMLParser *parser, CYAMLEvent *event);
// What made the last cyaml_parser_next fail.
CYAMLProblem cyaml_parser_problem(const CYAMLParser *parser);

typedef enum {
    CYAML_STYLE_ANY,
    CYAML_STYLE_DOUBLE_QUOTED,
    CYAML_STYLE_LITERAL,
} CYAMLStyle;

typedef struct CYAMLEmitter CYAMLEmitter;

// Makes an emitter for one document that it keeps in memory; null without memory.
CYAMLEmitter *cyaml_emitter_create(void);
void cyaml_emitter_destroy(CYAMLEmitter *emitter);
// All of these copy what they are given and return false without memory.
bool cyaml_emit_start(CYAMLEmitter *emitter);
bool cyaml_emit_scalar(CYAMLEmitter *emitter, const unsigned char *bytes, size_t count, CYAMLStyle style);
bool cyaml_emit_sequence_start(CYAMLEmitter *emitter);
bool cyaml_emit_sequence_end(CYAMLEmitter *emitter);
bool cyaml_emit_mapping_start(CYAMLEmitter *emitter);
bool cyaml_emit_mapping_end(CYAMLEmitter *emitter);
bool cyaml_emit_end(CYAMLEmitter *emitter);
// The text so far; it lives until the next call.
const unsigned char *cyaml_emitter_text(const CYAMLEmitter *emitter, size_t *count);

#endif
