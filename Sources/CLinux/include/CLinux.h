#ifndef TCPTOOL_CLINUX_H
#define TCPTOOL_CLINUX_H
#endif
