/* relay.h: a product whose threads each take a band of k. */
#ifndef HONE_GEMM_RELAY_H
#define HONE_GEMM_RELAY_H

#include "gemm/parts.h"

/** The whole product, plan->relay set. */
void hone__gemm_run_relay(const hone__gemm_plan *plan, char *workspace, size_t workspace_bytes);

#endif
