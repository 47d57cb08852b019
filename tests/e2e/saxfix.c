/* SPDX-License-Identifier: MIT */
/* libxml2 2.9.14 never calls the SAX1 start-element callback of a handler that carries the SAX2
 * magic number without having a SAX2 callback, and that is what the SIPE plugin registers: with
 * the stock packages of Debian 12 it parses no XML at all, so it shows neither contacts nor
 * presence.  This stands before libxml2 (linked into the program, or by LD_PRELOAD for Pidgin)
 * and hands such handlers on without the magic number. */
#include <dlfcn.h>
#include <libxml/parser.h>
#include <stdbool.h>

typedef int (*parse_memory)(xmlSAXHandlerPtr, void *, const char *, int);

static bool is_sax1_in_disguise(const xmlSAXHandler *h)
{
    return h && h->initialized == XML_SAX2_MAGIC && !h->startElementNs && !h->endElementNs &&
           (h->startElement || h->endElement);
}

int xmlSAXUserParseMemory(xmlSAXHandlerPtr sax, void *user_data, const char *buffer, int size)
{
    static parse_memory next;
    xmlSAXHandler plain;

    if (!next) /* through an object pointer: POSIX allows what ISO C does not */
        *(void **)&next = dlsym(RTLD_NEXT, "xmlSAXUserParseMemory");
    if (!next)
        return -1;
    if (!is_sax1_in_disguise(sax))
        return next(sax, user_data, buffer, size);
    plain = *sax;
    plain.initialized = 1;
    return next(&plain, user_data, buffer, size);
}
