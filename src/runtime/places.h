/* places.h: the numbers of the places where large blocks lie, see placement.h. */
#ifndef HONE_RUNTIME_PLACES_H
#define HONE_RUNTIME_PLACES_H

#define HONE__NODES 32 /* further ones share the places of node 0 */

/* Places: first touch by threads of a node, bound to a node, partitioned, interleaved. */
#define HONE__PLACE_FIRST_TOUCH 0
#define HONE__PLACE_BOUND       HONE__NODES
#define HONE__PLACE_PARTITION   (2 * HONE__NODES)
#define HONE__PLACE_INTERLEAVE  (2 * HONE__NODES + 1)
#define HONE__PLACES            (2 * HONE__NODES + 2)

#endif
