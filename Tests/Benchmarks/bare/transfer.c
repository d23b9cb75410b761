/* The ends of a transfer: the system calls that move the data, with nothing around them. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 1 << 20, CHUNK = 8 << 20, LOW_WATER = 128 << 10 };
static char buffer[BUFFER];

/* splice(2) does not wait for the low-water mark by itself; recv(2) does. */
static long receive(int fd, int to)
{
    struct pollfd entry = { fd, POLLIN, 0 };
    poll(&entry, 1, -1);
    return splice(fd, 0, to, 0, BUFFER, 0);
}

/* From a pipe of its own: as much as was read into it. */
static int give(int pipe, int to, long count)
{
    for (long n; count > 0; count -= n)
        if ((n = splice(pipe, 0, to, 0, count, 0)) <= 0)
            return -1;
    return 0;
}

static int end(int isServer, int port)
{
    struct sockaddr_in at = { AF_INET, htons(port), { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (!isServer)
        return connect(fd, (void *)&at, sizeof at) ? -1 : fd;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (void *)&at, sizeof at) || listen(fd, 1))
        return -1;
    return accept(fd, 0, 0);
}

/* WHAT PORT [SIZE]: standard input or output is the local end. */
int main(int count, char **words)
{
    const char *what = words[1];
    long left = count > 3 ? atol(words[3]) : 0, n;
    int pipes[2], null = open("/dev/null", O_WRONLY);
    /* What stands at the other ends of the pipes costs as little as can be. */
    if (!strcmp(what, "source")) {
        while ((n = splice(0, 0, 1, 0, BUFFER, 0)) > 0)
            ;
        return n != 0;
    }
    if (!strcmp(what, "sink")) {
        while ((n = splice(0, 0, null, 0, BUFFER, 0)) > 0)
            ;
        return n != 0;
    }
    int fd = end(!strncmp(what, "recv", 4), atoi(words[2])), low = LOW_WATER;
    if (fd < 0 || pipe(pipes))
        return 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low);
    fcntl(pipes[0], F_SETPIPE_SZ, BUFFER);
    fcntl(0, F_SETPIPE_SZ, BUFFER);
    fcntl(1, F_SETPIPE_SZ, BUFFER);
    if (!strcmp(what, "send-file")) {
        while ((n = splice(0, 0, pipes[1], 0, BUFFER, 0)) > 0)
            if (give(pipes[0], fd, n))
                return 1;
    } else if (!strcmp(what, "send-made")) {
        for (; left > 0; left -= n)
            if ((n = write(fd, buffer, left < BUFFER ? left : BUFFER)) <= 0)
                return 1;
    } else if (!strcmp(what, "send-pipe")) {
        while ((n = splice(0, 0, fd, 0, BUFFER, 0)) > 0)
            ;
    } else if (!strcmp(what, "recv-drop")) {
        while ((n = recv(fd, 0, CHUNK, MSG_TRUNC)) > 0)
            ;
    } else if (!strcmp(what, "recv-pipe")) {
        while ((n = receive(fd, 1)) > 0)
            ;
    } else {
        while ((n = receive(fd, pipes[1])) > 0)
            if (give(pipes[0], 1, n))
                return 1;
    }
    shutdown(fd, SHUT_WR);
    return 0;
}
