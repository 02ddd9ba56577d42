// Boost.JSON, compiled once for every room: its headers alone only declare.
#include <boost/json/src.hpp>
