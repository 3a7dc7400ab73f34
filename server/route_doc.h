/* Route's doc: what the OpenAPI document says of a route that its row does not say already. The
 * row has the address, the method, the query parameters, the scope, and what a body must be; from
 * these follow 400, 401, 403, 404, 411, 413, 415 and 503. */
#ifndef SERVER_ROUTE_DOC_H
#define SERVER_ROUTE_DOC_H

/* An answer that is no problem. */
struct route_answer {
    int status;         /* 0 ends a list */
    const char *type;   /* media type; NULL: no body */
    const char *schema; /* a component (schemas/NAME.json, openapi.c); NULL: bytes or text */
};

struct route_doc {
    const char *id;         /* operationId: what generated clients call it */
    const char *tag;        /* one of openapi.c's */
    const char *summary;    /* one line without a full stop */
    const char *about;      /* more, in Markdown; NULL: nothing */
    const char *body;       /* component of the request's body where it is JSON; NULL: any bytes */
    const char *body_types; /* further media types that it takes, with spaces between; NULL */
    const char *request_headers; /* names with spaces between, of openapi.c's; NULL */
    const char *answer_headers;  /* the same of the answers */
    const struct route_answer *answers;
    const int *problems; /* statuses that do not follow from the row; ended by 0; NULL: none */
};

/* route_docs.c: one for each row of routes.c. */
extern const struct route_doc doc_submit, doc_jobs_list, doc_jobs_get, doc_jobs_patch,
    doc_jobs_delete, doc_fork, doc_pause, doc_resume, doc_cancel, doc_metrics, doc_events_job,
    doc_events_all, doc_schedule, doc_checkpoints_list, doc_checkpoints_get, doc_datasets_list,
    doc_datasets_get, doc_schema, doc_livez, doc_readyz, doc_static, doc_openapi, doc_prometheus,
    doc_predict, doc_datasets_put, doc_weights_list, doc_weights_put, doc_weights_get,
    doc_weights_delete, doc_datasets_delete, doc_samples_list, doc_samples_get, doc_evaluation,
    doc_filters, doc_histograms, doc_activations, doc_export_pytorch;

#endif
