// `wrackline model --batch`: rows in, rows out.
#pragma once

#include "analyzer/flink/model_batch.h"

namespace wrackline::cli {

// Standard input to standard output, each line answered in order, blank ones skipped. Returns the
// exit status: 0, or 2 when a line was no row of this kind (answered with an error), or the output
// could not be written.
int AnswerRows(flink::BatchKind kind, flink::Version version);

}  // namespace wrackline::cli
