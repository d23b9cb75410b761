/* The ends of a transfer: the system calls that move the data, with nothing around them. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 1 << 20, CHUNK = 8 << 20 };
static char buffer[BUFFER];

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
    long left = count > 3 ? atol(words[3]) : 0, n, m;
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
    int fd = end(!strncmp(what, "recv", 4), atoi(words[2]));
    if (fd < 0 || pipe(pipes))
        return 1;
    fcntl(pipes[0], F_SETPIPE_SZ, BUFFER);
    fcntl(0, F_SETPIPE_SZ, BUFFER);
    fcntl(1, F_SETPIPE_SZ, BUFFER);
    if (!strcmp(what, "send-file")) {
        while ((n = sendfile(fd, 0, 0, CHUNK)) > 0)
            ;
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
        while ((n = splice(fd, 0, 1, 0, BUFFER, 0)) > 0)
            ;
    } else {
        while ((n = splice(fd, 0, pipes[1], 0, BUFFER, 0)) > 0)
            for (; n > 0; n -= m)
                if ((m = splice(pipes[0], 0, 1, 0, n, 0)) <= 0)
                    return 1;
    }
    shutdown(fd, SHUT_WR);
    return 0;
}
